import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from insights.audiences.edges import gather
from insights.audiences.exports import export_edges
from insights.errors import BadRequest
from lake.errors import BadQuestion
from signatures import EdgeStore, Writer
from signatures.errors import UnknownAccount
from signatures.hashing import id_of

TOLD: list[tuple[int, int]] = []


def quiet(edges: int, read: int) -> None:
    TOLD.append((edges, read))


def imported(
    path: Path, folder: Path, columns: tuple[str, str] | None = None
) -> dict[str, set[int]]:
    with Writer(folder, shards=3) as writer, writer.changes() as changes:
        gather(changes, path, columns, told=quiet)
        writer.apply(changes)
    store = EdgeStore(folder)
    return {str(name): set(store.followers(row).tolist()) for row, name in enumerate(store.names)}


KNOWN = {"nike": {1, 2, id_of("did:plc:a")}, "7": {2}}
LINES = "nike,1\nnike,2\nnike,did:plc:a\n7,2\nnike,1\n"


def csv(path: Path) -> None:
    path.write_text("account,follower\n" + LINES)


def swapped(path: Path) -> None:
    rows = [line.split(",")[::-1] for line in LINES.splitlines()]
    text = "user_id,noise,followed\n" + "".join(f"{a},x,{b}\n" for a, b in rows)
    path.write_text(text)


def tabs(path: Path) -> None:
    with gzip.open(path, "wt") as file:
        file.write("Account\tFollower\r\n" + LINES.replace(",", "\t").replace("\n", "\r\n"))


def parquet(path: Path) -> None:
    rows = [line.split(",") for line in LINES.splitlines()]
    accounts = pa.array([row[0] for row in rows]).dictionary_encode()
    pq.write_table(pa.table({"to": accounts, "from": [row[1] for row in rows]}), path)


def npz(path: Path) -> None:
    rows = np.array([line.split(",") for line in LINES.splitlines()])
    np.savez(path, account=rows[:, 0], follower=rows[:, 1])


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("e.csv", csv),
        ("e.txt", swapped),
        ("e.tsv.gz", tabs),
        ("e.parquet", parquet),
        ("e.npz", npz),
    ],
)
def test_lists_of_edges_are_read(tmp_path: Path, name: str, write: Callable[[Path], None]) -> None:
    write(tmp_path / name)
    assert imported(tmp_path / name, tmp_path / "store") == KNOWN
    assert TOLD[-1][0] == 5


def test_numbers_are_read_from_typed_columns(tmp_path: Path) -> None:
    large = 2**64 - 1
    table = pa.table(
        {"account": pa.array([5, large], pa.uint64()), "follower": pa.array([1, 2], pa.int32())}
    )
    pq.write_table(table, tmp_path / "e.parquet")
    assert imported(tmp_path / "e.parquet", tmp_path / "store") == {"5": {1}, str(large): {2}}
    np.savez(tmp_path / "e.npz", account=np.array([5]), follower=np.array([9], dtype=np.uint64))
    assert imported(tmp_path / "e.npz", tmp_path / "other") == {"5": {9}}


def test_columns_can_be_named_and_numbered(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("a,b,c\n1,x,2\n")
    assert imported(tmp_path / "e.csv", tmp_path / "one", ("c", "a")) == {"2": {1}}
    assert imported(tmp_path / "e.csv", tmp_path / "two", ("3", "1")) == {
        "c": {id_of("a")},
        "2": {1},
    }


@pytest.mark.parametrize("name", ["out.parquet", "out.csv", "out.npz"])
def test_what_is_exported_can_be_imported(tmp_path: Path, name: str) -> None:
    csv(tmp_path / "e.csv")
    imported(tmp_path / "e.csv", tmp_path / "store")
    store = EdgeStore(tmp_path / "store")
    rows = np.arange(len(store))
    assert export_edges(store, rows, tmp_path / name, name.partition(".")[2]) == 4  # type: ignore[arg-type]
    assert imported(tmp_path / name, tmp_path / "again") == KNOWN


def test_some_accounts_can_be_exported(tmp_path: Path) -> None:
    csv(tmp_path / "e.csv")
    imported(tmp_path / "e.csv", tmp_path / "store")
    store = EdgeStore(tmp_path / "store")
    export_edges(store, np.array([store.row("7")]), tmp_path / "7.csv", "csv")
    assert pc.read_csv(tmp_path / "7.csv").to_pydict() == {"account": [7], "follower": [2]}
    with pytest.raises(UnknownAccount):
        store.row("puma")


def test_an_export_that_fails_leaves_nothing(tmp_path: Path) -> None:
    csv(tmp_path / "e.csv")
    imported(tmp_path / "e.csv", tmp_path / "store")
    store = EdgeStore(tmp_path / "store")

    def full(edges: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        export_edges(store, np.arange(2), tmp_path / "out.csv", "csv", told=full)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["e.csv", "store"]


def text(body: str) -> Callable[[Path], None]:
    return lambda path: path.with_suffix(".csv").write_text(body) and None


def table(ending: str, columns: dict[str, Any]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        if ending == "npz":
            np.savez(path, **columns)
        else:
            pq.write_table(pa.table(columns), path)

    return write


NEGATIVE = "follower: .*-4 cannot be used; an id is not negative"
FRACTION = "account: .*float64 cannot be used; give whole numbers"
NO_COLUMN = "no column account or account_id or followed among a, b; name the columns"
ODD = {"accounts": np.array(["a"]), "indptr": np.array([0, 3]), "followers": np.array([1])}
UNEVEN = {"account": np.array([1, 2]), "follower": np.array([1])}
LACKING = {"account": ["a", None], "follower": ["b", "c"]}
MINUS = {"account": [1, 2], "follower": [3, -4]}


@pytest.mark.parametrize(
    ("name", "write", "error", "message"),
    [
        (
            "e.csv",
            text("account,follower\n1,2\n3,-4\n"),
            BadRequest,
            "row 3, follower: '-4' cannot",
        ),
        ("e.csv", text('account,follower\n1,2\n"",4\n'), BadRequest, "row 3, account: ''"),
        ("e.csv", text("account,follower\n1.0,2\n"), BadRequest, "row 2, account: '1.0'"),
        ("e.csv", text("account,follower\n1,2,3\n"), BadQuestion, "Expected 2 columns, got 3"),
        ("e.csv", text("a,b\n1,2\n"), BadQuestion, NO_COLUMN),
        ("e.csv", text(""), BadQuestion, "its first line is empty; give one edge a line"),
        ("e.xlsx", csv, BadQuestion, "unknown ending; give .csv"),
        ("e.parquet", csv, BadQuestion, "e.parquet: cannot be read"),
        ("e.npz", csv, BadQuestion, "e.npz: cannot be read"),
        ("e.parquet", table("parquet", MINUS), BadRequest, NEGATIVE),
        ("e.parquet", table("parquet", {"account": [1.5], "follower": [3]}), BadRequest, FRACTION),
        ("e.parquet", table("parquet", LACKING), BadRequest, "row 1, account: ''"),
        ("e.npz", table("npz", UNEVEN), BadQuestion, "2 accounts and 1 followers; give as many"),
        ("e.npz", table("npz", ODD), BadQuestion, "indptr does not lead from 0 to 1"),
    ],
)
def test_bad_files_are_named_and_change_nothing(
    tmp_path: Path, name: str, write: Callable[[Path], None], error: type[Exception], message: str
) -> None:
    write(tmp_path / name)
    with pytest.raises(error, match=message):
        imported(tmp_path / name, tmp_path / "store")
    assert len(EdgeStore(tmp_path / "store")) == 0


def test_numbered_columns_must_be_there(tmp_path: Path) -> None:
    csv(tmp_path / "e.csv")
    with pytest.raises(BadQuestion, match="has 2 columns, not 5"):
        imported(tmp_path / "e.csv", tmp_path / "store", ("5", "1"))
