"""What the lake in files adds to the contract: one writer, many readers, folding, sweeping."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from deltalake import DeltaTable

from fakes.observations import NOON, post, profile, snapshot
from fakes.world import POSTS, RECORDS
from lake.contract import COUNT, Metric, Sort, Where
from lake.errors import BadQuestion, LakeError, Misplaced
from lake.files import FilesLake
from lake.lines import line_of
from lake.records import Counts, Post, Profile, Snapshot

LIKES = Metric(kind="sum", field="counts.likes")
AT_ONCE = timedelta(0)


@pytest.fixture
async def lake(tmp_path: Path) -> AsyncIterator[FilesLake]:
    lake = FilesLake(tmp_path / "lake")
    await lake.open()
    yield lake
    await lake.close()


def later(id: str, minutes: int, **fields: object) -> Post:
    return post(id, observed_at=NOON + timedelta(minutes=minutes), created_at=NOON, **fields)


async def state(lake: FilesLake) -> dict[str, int | None]:
    return {
        each.id: each.counts.likes async for batch in lake.scan(Post, Where()) for each in batch
    }


async def test_a_second_writer_is_refused_and_told_who_holds_the_lake(
    lake: FilesLake, tmp_path: Path
) -> None:
    await lake.claim()
    second = FilesLake(tmp_path / "lake")
    with pytest.raises(Misplaced, match=r"held by process \d+ on "):
        await second.append([post("x:1")])
    assert await second.totals(Post, Where(), [COUNT]) == {"count": 0}
    await lake.close()
    await second.append([post("x:1")])
    await second.close()


async def test_opening_a_lake_that_nobody_wrote_makes_no_file(tmp_path: Path) -> None:
    lake = FilesLake(tmp_path / "nothing")
    await lake.open()
    await lake.close()
    assert not (tmp_path / "nothing").exists()


READER = """
import asyncio, sys
from lake.contract import COUNT, Where
from lake.files import FilesLake
from lake.records import Post

async def main():
    lake = FilesLake(sys.argv[1])
    await lake.open()
    for _ in sys.stdin:
        print((await lake.totals(Post, Where(), [COUNT]))["count"], flush=True)
    await lake.close()

asyncio.run(main())
"""


async def test_another_process_reads_while_this_one_writes(lake: FilesLake, tmp_path: Path) -> None:
    command = [sys.executable, "-c", READER, str(tmp_path / "lake")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    ) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        answers = []
        for step in range(4):
            await lake.append([later(f"x:{step}", 0), later("x:0", step)])
            if step == 2:
                await lake.compact(keep=AT_ONCE)
            reader.stdin.write(b"count\n")
            reader.stdin.flush()
            answers.append(int(await asyncio.to_thread(reader.stdout.readline)))
        reader.stdin.close()
        assert await asyncio.to_thread(reader.wait, 20) == 0
    assert answers == [1, 2, 3, 4]


async def test_compaction_changes_no_answer(lake: FilesLake) -> None:
    await lake.append(RECORDS)
    await lake.append([later("instagram:a1", 5, likes=77), later("x:new", 0)])
    before = await state(lake)
    await lake.compact(keep=AT_ONCE)
    assert await state(lake) == before
    await lake.append([later("instagram:a1", 3, likes=1), later("x:new", 9, likes=2)])
    assert await state(lake) == before | {"x:new": 2}


async def test_compaction_leaves_one_row_an_id_on_the_disk(lake: FilesLake, tmp_path: Path) -> None:
    for minute in range(4):
        await lake.append([later("x:1", minute, likes=minute), profile("x:u", f"u{minute}")])
    assert DeltaTable(tmp_path / "lake/posts").to_pyarrow_table().num_rows == 4
    await lake.compact(keep=AT_ONCE)
    assert DeltaTable(tmp_path / "lake/posts").to_pyarrow_table()["likes"].to_pylist() == [3]
    assert len(list((tmp_path / "lake/posts").rglob("*.parquet"))) - _checkpoints(tmp_path) == 1


def _checkpoints(root: Path) -> int:
    return len(list((root / "lake/posts/_delta_log").glob("*.parquet")))


async def test_a_stale_record_after_a_compaction_stays_hidden(lake: FilesLake) -> None:
    await lake.append([later("x:1", 10, likes=10)])
    await lake.compact(keep=AT_ONCE)
    await lake.append([later("x:1", 5, likes=5)])
    assert await state(lake) == {"x:1": 10}
    await lake.append([later("x:1", 11, likes=11)])
    assert await state(lake) == {"x:1": 11}
    await lake.compact(keep=AT_ONCE)
    assert await state(lake) == {"x:1": 11}


async def test_a_post_whose_time_becomes_known_is_one_post(lake: FilesLake) -> None:
    await lake.append([post("x:1", likes=1)])
    await lake.compact(keep=AT_ONCE)
    await lake.append([later("x:1", 1, likes=2)])
    assert await state(lake) == {"x:1": 2}
    await lake.compact(keep=AT_ONCE)
    assert await state(lake) == {"x:1": 2}


async def test_raw_documents_come_from_the_tail_and_from_the_base(lake: FilesLake) -> None:
    raw = [msgspec.Raw(b'{"n":%d}' % number) for number in range(3)]
    await lake.append([later("x:1", 0, raw=raw[0]), later("x:2", 0, raw=raw[1])])
    await lake.compact(keep=AT_ONCE)
    await lake.append([later("x:1", 1, raw=raw[2])])
    found = await lake.get(Post, ["x:1", "x:2"])
    assert [bytes(found[id].raw or b"") for id in ("x:1", "x:2")] == [b'{"n":2}', b'{"n":1}']


async def test_snapshots_replayed_after_packing_stay_single(lake: FilesLake) -> None:
    records = [snapshot("x:1", NOON + timedelta(hours=hour)) for hour in range(3)]
    for record in records:
        await lake.append([record])
    await lake.compact(keep=AT_ONCE)
    await lake.append(records)
    assert await lake.totals(Snapshot, Where(), [COUNT]) == {"count": 3}


async def test_a_long_tail_folds_itself(lake: FilesLake, tmp_path: Path) -> None:
    for minute in range(70):
        await lake.write([line_of(later(f"x:{minute % 5}", minute, likes=minute))])
    assert len(DeltaTable(tmp_path / "lake/posts").file_uris()) < 10
    assert await state(lake) == {f"x:{last % 5}": last for last in range(65, 70)}


async def test_deleted_rows_leave_the_disk_with_the_next_sweep(
    lake: FilesLake, tmp_path: Path
) -> None:
    secret = "x:somebody-secret"
    await lake.append([later("x:1", 0, author_id=secret), later("x:2", 0, author_id="x:other")])
    assert await lake.delete(Post, Where(authors=(secret,))) == 1
    await lake.compact(keep=AT_ONCE)
    table = tmp_path / "lake/posts"
    rows = [DeltaTable(table).to_pyarrow_table()["author_id"].to_pylist()]
    assert rows == [["x:other"]]
    files = [path for path in table.rglob("month=*/*") if path.is_file()]
    assert len(files) == 1
    assert secret.encode() not in b"".join(path.read_bytes() for path in files)


async def test_a_reader_whose_files_were_swept_asks_again(lake: FilesLake, tmp_path: Path) -> None:
    reader = FilesLake(tmp_path / "lake")
    await lake.append([later("x:1", 0, likes=1)])
    assert await reader.totals(Post, Where(), [LIKES]) == {"sum:counts.likes": 1}
    for minute in (1, 2):
        await lake.append([later("x:1", minute, likes=minute)])
        await lake.compact(keep=AT_ONCE)
    assert await reader.totals(Post, Where(), [LIKES]) == {"sum:counts.likes": 2}
    await reader.close()


async def test_a_tag_written_twice_in_one_post_counts_once(lake: FilesLake) -> None:
    await lake.append([later("x:1", 0, tags=("a", "a", "b")), later("x:2", 0, tags=("a",))])
    groups = await lake.top(Post, Where(), by="tags")
    assert [(group.key, group.numbers["count"]) for group in groups] == [("a", 2), ("b", 1)]
    stored = await lake.get(Post, ["x:1"])
    assert stored["x:1"].tags == ("a", "a", "b")


async def test_a_folder_with_odd_characters_is_a_lake_too(tmp_path: Path) -> None:
    lake = FilesLake(tmp_path / "my lake=ö 'x'")
    await lake.append(POSTS)
    await lake.compact(keep=AT_ONCE)
    await lake.append([later("instagram:a1", 1, likes=0)])
    assert await lake.totals(Post, Where(), [COUNT, LIKES]) == {"count": 9, "sum:counts.likes": 45}
    await lake.close()


@pytest.mark.parametrize("name", ["100%", "a[b", "a]b", "a*", "a?"])
def test_a_folder_that_the_engines_would_misread_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadQuestion, match="rename it"):
        FilesLake(tmp_path / name)


def test_an_object_store_is_refused_by_name() -> None:
    with pytest.raises(BadQuestion, match="not yet s3://"):
        FilesLake("s3://bucket/lake")


async def test_an_address_is_a_lake_too(tmp_path: Path) -> None:
    lake = FilesLake(f"file://{tmp_path}/far")
    await lake.append(POSTS)
    await lake.append([snapshot("x:1", NOON, counts=Counts(likes=1))])
    await lake.compact(keep=AT_ONCE)
    page = await lake.page(Post, Where(tags=("nike",)), sort=Sort(), limit=1)
    assert [each.id for each in page.records] == ["mastodon:a8"]
    await lake.close()


async def test_a_write_that_fails_leaves_the_lake_as_it_was(
    lake: FilesLake, tmp_path: Path
) -> None:
    await lake.append([later("x:1", 0, likes=1)])
    log = tmp_path / "lake/posts/_delta_log"
    next_commit = log / f"{DeltaTable(tmp_path / 'lake/posts').version() + 1:020}.json"
    next_commit.mkdir()  # the commit cannot be written: stands for any failure of the disk
    with pytest.raises(LakeError):
        await lake.append([later("x:2", 0, likes=2)])
    next_commit.rmdir()
    assert await state(lake) == {"x:1": 1}
    await lake.append([later("x:2", 0, likes=2)])
    assert await state(lake) == {"x:1": 1, "x:2": 2}


async def test_profiles_keep_unknown_and_known_flags(lake: FilesLake) -> None:
    people = [profile("x:1", "a", verified=False), profile("x:2", "b", private=True)]
    await lake.append(people)
    assert await lake.get(Profile, ["x:1", "x:2"]) == {each.id: each for each in people}
