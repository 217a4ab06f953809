from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from fakes.memory_lake import MemoryLake
from fakes.observations import NOON, audience, follow, profile
from insights.audiences.book import Book
from insights.audiences.communities import CommunityMap, stored_communities
from insights.audiences.sync import AudienceSync
from lake.contract import Lake
from lake.records import Record
from signatures import Writer

LATER = NOON + timedelta(days=30)


def read(
    name: str,
    followers: Sequence[str],
    at: datetime = NOON,
    network: str = "mastodon",
    **fields: object,
) -> list[Record]:
    """Return a reading of a list that has ended, with its edges."""
    facts = {
        "started_at": at,
        "ended_at": at + timedelta(minutes=5),
        "seen": len(followers),
        "stated": len(followers),
        "whole_from": at,
        "complete": True,
        "observed_at": at + timedelta(minutes=5),
    } | fields
    edges = [follow(f"{network}:{name}", f"{network}:{who}", observed_at=at) for who in followers]
    return [*edges, audience(f"{network}:{name}", name, **facts)]


async def synced(lake: Lake, folder: Path) -> list[Record]:
    return await AudienceSync(folder, every=60).run(lake, [], LATER)


def known(folder: Path) -> dict[str, int]:
    shelf = Book(folder).shelf("mastodon")
    if shelf is None:
        return {}
    return {
        str(name): int(size)
        for name, size in zip(shelf.store.names, shelf.store.sizes, strict=True)
    }


async def test_a_whole_list_becomes_an_audience(lake: Lake, tmp_path: Path) -> None:
    await lake.append(read("ann", ["bob", "cy", "https://m.example/users/dan"]))
    await synced(lake, tmp_path)
    assert known(tmp_path) == {"ann": 3}
    shelf = Book(tmp_path).shelf("mastodon")
    assert shelf is not None
    assert shelf.store.signed
    assert shelf.store.complete.tolist() == [True]
    assert shelf.store.read_at.tolist() == [1772453100000]


async def test_who_has_left_goes_with_the_next_whole_reading(lake: Lake, tmp_path: Path) -> None:
    await lake.append(read("ann", ["bob", "cy", "dan"]))
    await synced(lake, tmp_path)
    await lake.append(read("ann", ["bob", "eve"], LATER))
    await synced(lake, tmp_path)
    assert known(tmp_path) == {"ann": 2}


async def test_a_list_that_was_cut_short_only_adds(lake: Lake, tmp_path: Path) -> None:
    await lake.append(read("ann", ["bob", "cy", "dan"]))
    await synced(lake, tmp_path)
    cut = {"complete": False, "reason": "short", "stated": 90, "whole_from": NOON}
    await lake.append(read("ann", ["eve"], LATER, **cut))
    await synced(lake, tmp_path)
    assert known(tmp_path) == {"ann": 4}
    shelf = Book(tmp_path).shelf("mastodon")
    assert shelf is not None
    assert shelf.store.complete.tolist() == [False]


@pytest.mark.parametrize(
    "fields",
    [
        {"ended_at": None, "complete": False, "reason": "reading", "whole_from": None},
        {"seen": 0, "complete": False, "reason": "hidden", "whole_from": None},
    ],
)
async def test_a_list_that_is_being_read_or_hidden_changes_nothing(
    lake: Lake, tmp_path: Path, fields: dict[str, object]
) -> None:
    await lake.append(read("ann", ["bob"], **fields))
    assert await synced(lake, tmp_path) == []
    assert known(tmp_path) == {}


async def test_a_list_whose_edges_are_on_their_way_waits(tmp_path: Path) -> None:
    lake = MemoryLake()
    records = read("ann", [f"fan{number}" for number in range(100)])
    await lake.append(records[50:])
    sync, soon = AudienceSync(tmp_path, every=60), NOON + timedelta(minutes=6)
    await sync.run(lake, [], soon)
    assert known(tmp_path) == {}
    await lake.append(records[:30])
    await sync.run(lake, [], soon + timedelta(hours=2))  # the others will not come
    assert known(tmp_path) == {"ann": 80}


async def test_a_second_run_does_nothing(lake: Lake, tmp_path: Path) -> None:
    await lake.append(read("ann", ["bob", "cy"]))
    await synced(lake, tmp_path)
    before = (tmp_path / "mastodon" / "store.json").read_bytes()
    assert await synced(lake, tmp_path) == []
    assert (tmp_path / "mastodon" / "store.json").read_bytes() == before


async def test_a_store_that_somebody_writes_waits_for_the_next_run(tmp_path: Path) -> None:
    lake = MemoryLake()
    await lake.append(read("ann", ["bob"]))
    with Writer(tmp_path / "mastodon"):
        assert await synced(lake, tmp_path) == []
    await synced(lake, tmp_path)
    assert known(tmp_path) == {"ann": 1}


async def test_a_damaged_store_holds_up_no_other_network(tmp_path: Path) -> None:
    lake = MemoryLake()
    await lake.append(read("ann", ["bob", "cy"]))
    await synced(lake, tmp_path)
    (manifest,) = (tmp_path / "mastodon").glob("*.json")
    manifest.write_bytes(b"{")
    await lake.append(read("dan", ["eve"], network="bluesky"))
    await synced(lake, tmp_path)
    assert Book(tmp_path).networks == ["bluesky", "mastodon"]


async def test_a_folder_that_takes_no_files_ends_no_worker(tmp_path: Path) -> None:
    lake = MemoryLake()
    await lake.append(read("ann", ["bob", "cy"]))
    (tmp_path / "a file").touch()
    assert await synced(lake, tmp_path / "a file") == []


async def test_many_readings_are_compacted(tmp_path: Path) -> None:
    lake = MemoryLake()
    for number in range(12):
        await lake.append(read("ann", ["bob", f"fan{number}"], NOON + timedelta(days=number)))
        await synced(lake, tmp_path)
    shelf = Book(tmp_path).shelf("mastodon")
    assert shelf is not None
    assert len(shelf.store.segments) <= 8
    assert known(tmp_path) == {"ann": 2}


async def test_communities_are_found_with_what_they_are_about(tmp_path: Path) -> None:
    lake = MemoryLake()
    for number in range(12):
        group = "ski" if number % 2 else "sea"
        fans = [f"{group}{fan}" for fan in range(5 * number, 5 * number + 100)]
        await lake.append(read(f"a{number}", fans))
        await lake.append(
            [profile(f"mastodon:a{number}", f"a{number}", bio=f"all about the {group}")]
        )
    records = await synced(lake, tmp_path)
    await lake.append(records)
    stored = await stored_communities(lake, "mastodon")
    assert stored is not None
    found = msgspec.json.decode(stored, type=CommunityMap)
    assert found.accounts == 12
    assert sorted(one.terms[0] for one in found.communities) == ["sea", "ski"]
    assert [one.accounts for one in found.communities] == [6, 6]
    assert len(found.map) == 12
    assert found.computed_at == LATER
    assert {one.community for one in found.map} == {0, 1}
