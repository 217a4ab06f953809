"""What is taken out of a lake gives the same numbers when it is read back."""

import csv
from pathlib import Path

import duckdb
import msgspec
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from fakes.observations import post
from fakes.world import POSTS, SNAPSHOTS
from lake.contract import Lake, Where
from lake.errors import BadQuestion
from lake.export import export, parquet_file, stream
from lake.records import Follow, Post, Snapshot

NIKE = Where(tags=("nike",))


async def test_parquet_is_partitioned_by_network_and_month(world: Lake, tmp_path: Path) -> None:
    exported = await export(world, [Post], Where(), tmp_path / "out", format="parquet")
    assert exported.files == (
        "posts/network=instagram/month=2026-03/part-0.parquet",
        "posts/network=instagram/month=undated/part-0.parquet",
        "posts/network=mastodon/month=2026-03/part-0.parquet",
        "posts/network=mastodon/month=2026-04/part-0.parquet",
    )
    assert exported.records == 9
    sizes = [(tmp_path / "out" / name).stat().st_size for name in exported.files]
    assert exported.bytes == sum(sizes)
    metadata = pq.read_schema(tmp_path / "out" / exported.files[0]).metadata
    assert metadata[b"taglake.schema_version"] == b"1"


async def test_parquet_read_back_by_three_tools_gives_equal_numbers(
    world: Lake, tmp_path: Path
) -> None:
    await export(world, [Post, Snapshot], NIKE, tmp_path / "out", format="parquet")
    files = str(tmp_path / "out/posts/**/*.parquet")
    frame = pd.concat(pd.read_parquet(path) for path in tmp_path.glob("out/posts/**/*.parquet"))
    assert (len(frame), frame["likes"].sum(), frame["author_id"].nunique()) == (6, 45, 3)
    scan = pl.read_parquet(files, hive_partitioning=False)
    assert (scan.height, scan["likes"].sum(), scan["author_id"].n_unique()) == (6, 45, 4)
    asked = duckdb.sql(f"SELECT count(*), sum(likes), count(DISTINCT author_id) FROM '{files}'")
    assert asked.fetchall() == [(6, 45, 3)]
    growth = duckdb.sql(f"SELECT sum(delta_likes) FROM '{tmp_path}/out/snapshots/**/*.parquet'")
    assert growth.fetchall() == [(8,)]


async def test_a_folder_of_parquet_opens_as_one_table(world: Lake, tmp_path: Path) -> None:
    await export(world, [Post], Where(), tmp_path / "out", format="parquet")
    folder = tmp_path / "out/posts"
    networks = {"instagram", "mastodon"}
    for frame in (pd.read_parquet(folder), pq.read_table(folder).to_pandas()):
        assert (len(frame), set(frame["network"])) == (len(POSTS), networks)
    scan = pl.read_parquet(f"{folder}/**/*.parquet", hive_partitioning=True)
    assert (scan.height, set(scan["network"])) == (len(POSTS), networks)
    asked = duckdb.sql(f"SELECT count(*), count(DISTINCT network) FROM '{folder}/**/*.parquet'")
    assert asked.fetchall() == [(len(POSTS), 2)]


async def test_json_lines_hold_the_records(world: Lake, tmp_path: Path) -> None:
    exported = await export(world, [Post, Snapshot], Where(), tmp_path / "o", format="jsonl")
    assert exported.files == ("posts.jsonl", "snapshots.jsonl")
    assert exported.records == len(POSTS) + len(SNAPSHOTS)
    lines = (tmp_path / "o/posts.jsonl").read_bytes().splitlines()
    posts = [msgspec.json.decode(line, type=Post) for line in lines]
    assert posts == sorted(POSTS, key=lambda each: each.id)


async def test_csv_has_flat_columns_and_equal_sums(world: Lake, tmp_path: Path) -> None:
    await export(world, [Post], NIKE, tmp_path / "o", format="csv")
    with (tmp_path / "o/posts.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows][:2] == ["instagram:a1", "instagram:a2"]
    assert sum(int(row["likes"]) for row in rows if row["likes"]) == 45
    assert rows[0]["tags"] == "nike run"
    assert rows[0]["created_at"] == "2026-03-01T23:30:00+00:00"
    assert rows[2]["shares"] == ""


FORMULAS = ["=1+1", "+1", "-1", "@x", "\tx", "\rx"]


@pytest.mark.parametrize("text", FORMULAS)
async def test_no_cell_of_a_csv_is_a_formula(lake: Lake, tmp_path: Path, text: str) -> None:
    await lake.append([post("x:1", text=text, likes=-1)])
    data = b"".join([part async for part in stream(lake, Post, Where(), format="csv")])
    (row,) = csv.DictReader(data.decode().splitlines(keepends=True))
    assert row["text"] == f"'{text}"
    assert row["likes"] == "-1"


async def test_streams_carry_the_same_bytes_as_files(world: Lake, tmp_path: Path) -> None:
    for format in ("csv", "jsonl"):
        parts = [part async for part in stream(world, Post, NIKE, format=format)]  # type: ignore[arg-type]
        await export(world, [Post], NIKE, tmp_path / format, format=format)  # type: ignore[arg-type]
        assert b"".join(parts) == (tmp_path / format / f"posts.{format}").read_bytes()


async def test_one_parquet_file_for_an_answer(world: Lake, tmp_path: Path) -> None:
    path = tmp_path / "posts.parquet"
    assert await parquet_file(world, Post, NIKE, path) == 6
    assert pq.read_table(path)["likes"].to_pylist() == [10, 5, 20, None, None, 10]
    assert [each.name for each in tmp_path.iterdir()] == ["posts.parquet"]


async def test_progress_counts_records(world: Lake, tmp_path: Path) -> None:
    seen: list[int] = []
    kinds = [Post, Snapshot]
    await export(world, kinds, Where(), tmp_path / "o", format="csv", progress=seen.append)
    assert seen[-1] == 14


async def test_a_failed_export_leaves_nothing(world: Lake, tmp_path: Path) -> None:
    with pytest.raises(BadQuestion):
        await export(world, [Post, Follow], NIKE, tmp_path / "o", format="csv")
    with pytest.raises(BadQuestion):
        await parquet_file(world, Follow, NIKE, tmp_path / "f.parquet")
    assert list(tmp_path.iterdir()) == []


async def test_an_export_overwrites_nothing(world: Lake, tmp_path: Path) -> None:
    with pytest.raises(BadQuestion, match="is there already"):
        await export(world, [Post], Where(), tmp_path, format="csv")


async def test_an_empty_export_is_a_file_with_a_head(lake: Lake, tmp_path: Path) -> None:
    exported = await export(lake, [Post], Where(), tmp_path / "o", format="csv")
    assert (exported.files, exported.records) == (("posts.csv",), 0)
