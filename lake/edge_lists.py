"""Lists of who follows whom in files: CSV, TSV, Parquet and npz, read in batches of any size.

A batch is two columns of one length: the account that is followed, and its follower. Ids stay what
the file has, whole numbers or text; who reads them says whether they are ids.
"""

import csv
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from lake.errors import BadQuestion

ACCOUNT = ("account", "account_id", "followed", "followee", "followed_id", "target", "to")
FOLLOWER = ("follower", "follower_id", "source", "from", "user", "user_id")
_GROUPED = ("accounts", "indptr", "followers")  # arrays of an npz that has lists one after another
BATCH = 1 << 20  # edges
_BLOCK = 1 << 22  # bytes of text


class Edges(msgspec.Struct, frozen=True):
    """Some edges of a file, and how far it is read. Arrow arrays, or numpy arrays of numbers."""

    accounts: Any
    followers: Any
    row: int  # of the first edge, as an editor counts lines or as a table counts rows from 0
    read: int  # bytes of the file


def read_edges(path: Path, columns: tuple[str, str] | None = None) -> Iterator[Edges]:
    """Yield the edges of a file, by its name's ending.

    columns: the names of the columns of accounts and of followers or, in text without a line of
    names, their numbers from 1. If left out, the names are looked for among the usual ones.
    Raises BadQuestion naming the file, what is wrong and what to do.
    """
    try:
        if path.name.endswith((".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")):
            yield from _text(path, columns)
        elif path.suffix == ".parquet":
            yield from _parquet(path, columns)
        elif path.suffix == ".npz":
            yield from _npz(path, columns)
        else:
            raise BadQuestion(
                f"{path}: unknown ending; give .csv, .tsv, .txt (.gz), .parquet, .npz"
            )
    except (pa.ArrowInvalid, zipfile.BadZipFile, OSError, ValueError) as exc:
        raise BadQuestion(f"{path}: cannot be read: {str(exc).splitlines()[0][:200]}") from exc


def _text(path: Path, columns: tuple[str, str] | None) -> Iterator[Edges]:
    with path.open("rb") as raw:
        packed = path.suffix == ".gz"
        stream = pa.input_stream(raw, compression="gzip" if packed else None)
        head = _head(path, packed=packed)
        names, skip = _named(path, head, columns)
        reader = pc.open_csv(
            stream,
            read_options=pc.ReadOptions(
                block_size=_BLOCK, column_names=names, skip_rows=skip, use_threads=False
            ),
            parse_options=pc.ParseOptions(delimiter=_delimiter(path, head)),
            convert_options=pc.ConvertOptions(
                include_columns=["account", "follower"],
                column_types={"account": pa.string(), "follower": pa.string()},
                strings_can_be_null=False,
            ),
        )
        row = 1 + skip
        for batch in reader:
            yield Edges(batch["account"], batch["follower"], row, raw.tell())
            row += batch.num_rows


def _head(path: Path, *, packed: bool) -> str:
    """Return the first line of a text."""
    with pa.input_stream(path, compression="gzip" if packed else None) as stream:
        first = stream.read(1 << 16).partition(b"\n")[0]
    if not first.strip():
        raise BadQuestion(f"{path}: its first line is empty; give one edge a line")
    return str(first.decode("utf-8-sig", errors="replace")).rstrip("\r")


def _delimiter(path: Path, head: str) -> str:
    if path.name.removesuffix(".gz").endswith(".tsv"):
        return "\t"
    return next((sign for sign in "\t,; " if sign in head), ",")


def _named(path: Path, head: str, columns: tuple[str, str] | None) -> tuple[list[str], int]:
    """Return names for the columns, and how many lines to skip: 1 if the first has names."""
    fields = next(csv.reader([head], delimiter=_delimiter(path, head)))
    if columns is not None and all(one.isdecimal() for one in columns):
        places, skip = tuple(int(one) - 1 for one in columns), 0
        if not all(0 <= place < len(fields) for place in places):
            raise BadQuestion(f"{path}: has {len(fields)} columns, not {max(columns, key=int)}")
    else:
        places, skip = _places(path, fields, columns), 1
    names = [f"column {number}" for number in range(len(fields))]
    names[places[0]], names[places[1]] = "account", "follower"
    return names, skip


def _places(path: Path, fields: Sequence[str], columns: tuple[str, str] | None) -> tuple[int, int]:
    """Return where the columns of accounts and followers stand among the names of a file."""
    known = [name.strip().lower() for name in fields]
    found = []
    for kind, usual in zip(columns or ("", ""), (ACCOUNT, FOLLOWER), strict=True):
        wanted = (kind.lower(),) if kind else usual
        place = next((known.index(name) for name in wanted if name in known), None)
        if place is None:
            shown = ", ".join(known)[:120]
            raise BadQuestion(
                f"{path}: no column {' or '.join(wanted[:3])} among {shown}; name the columns of "
                "accounts and followers, or number them if the first line is an edge"
            )
        found.append(place)
    return found[0], found[1]


def _parquet(path: Path, columns: tuple[str, str] | None) -> Iterator[Edges]:
    with pq.ParquetFile(path) as file:
        names = [field.name for field in file.schema_arrow]
        places = _places(path, names, columns)
        row, size, rows = 0, path.stat().st_size, max(file.metadata.num_rows, 1)
        for batch in file.iter_batches(BATCH, columns=[names[place] for place in places]):
            accounts, followers = (batch[names[place]] for place in places)
            yield Edges(accounts, followers, row, size * (row + batch.num_rows) // rows)
            row += batch.num_rows


def _npz(path: Path, columns: tuple[str, str] | None) -> Iterator[Edges]:
    with zipfile.ZipFile(path) as file:
        members = {name.removesuffix(".npy"): name for name in file.namelist()}
        if columns is None and set(_GROUPED) <= set(members):
            yield from _grouped(path, file)
            return
        names = list(members)
        account, follower = (members[names[at]] for at in _places(path, names, columns))
        size = path.stat().st_size
        with file.open(account) as first, file.open(follower) as second:
            (kind, rows), (other, others) = _start(path, first), _start(path, second)
            if rows != others:
                raise BadQuestion(f"{path}: {rows} accounts and {others} followers; give as many")
            for row in range(0, rows, BATCH):
                count = min(BATCH, rows - row)
                accounts, followers = _some(first, kind, count), _some(second, other, count)
                yield Edges(accounts, followers, row, size * (row + count) // rows)


def _grouped(path: Path, file: zipfile.ZipFile) -> Iterator[Edges]:
    """Yield the edges of arrays that have them account by account, as our export writes them."""
    with np.load(path, allow_pickle=False) as arrays:
        accounts, indptr = arrays["accounts"], arrays["indptr"].astype(np.int64)
    with file.open("followers.npy") as member:
        kind, rows = _start(path, member)
        sized = len(indptr) == len(accounts) + 1 and indptr[0] == 0 and indptr[-1] == rows
        if not sized or (indptr[1:] < indptr[:-1]).any():
            raise BadQuestion(
                f"{path}: indptr does not lead from 0 to {rows} past {len(accounts)} lists"
            )
        for row in range(0, rows, BATCH):
            count = min(BATCH, rows - row)
            owner = np.searchsorted(indptr, np.arange(row, row + count), side="right") - 1
            done = path.stat().st_size * (row + count) // rows
            yield Edges(accounts[owner], _some(member, kind, count), row, done)


def _start(path: Path, member: IO[bytes]) -> tuple[np.dtype[Any], int]:
    """Return the type and length of an array in an npz file; what follows are its numbers."""
    version = np.lib.format.read_magic(member)
    read = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, _, kind = read(member)
    if len(shape) != 1 or kind.hasobject:
        raise BadQuestion(
            f"{path}: an array of {kind} with shape {shape}; give one dimension of ids"
        )
    return kind, int(shape[0])


def _some(member: IO[bytes], kind: np.dtype[Any], count: int) -> np.ndarray[Any, Any]:
    body = member.read(count * kind.itemsize)
    if len(body) != count * kind.itemsize:
        raise ValueError("it is cut off")
    return np.frombuffer(body, dtype=kind)
