"""Followers through the whole ingestor: of simulated networks, whose truth is known, and of
recorded pages of real ones.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from aiohttp import web

from fakes.village import drained
from ingestor.clock import SteppedClock
from ingestor.contract import Credential
from ingestor.ingest import Ingestor, Options
from ingestor.sources import load_sources
from ingestor.spool import Spool
from lake.records import Audience, Follow, Profile, Record
from registry import Registry, open_registry
from registry.models import Lane
from simnet.brands import sports_brands
from simnet.interests import INTERESTS
from simnet.judge import Judge
from simnet.server import JUDGE, make_app
from simnet.truth import Truth
from simnet.world import World, milliseconds

START = datetime(2026, 3, 2, tzinfo=UTC)
SITES = {"mastodon": "mastodon.example", "bluesky": "bsky.example"}
DAY = timedelta(days=1)
KINDS = ("tag", "profile", "followers", "post")


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class Reader:
    """An ingestor of real sources on a clock that jumps."""

    def __init__(self, registry: Registry, clock: SteppedClock, path: Path) -> None:
        self.registry, self.clock, self.path = registry, clock, path
        self.records: list[Record] = []

    async def lane(self, source: str, url: str, budget: tuple[int, float] = (300, 300.0)) -> None:
        lane = Lane(
            id=f"{source}/anybody", source=source, network=source, account="anybody", base_url=url,
            limit=budget[0], window=budget[1], kinds=KINDS,
        )  # fmt: skip
        await self.registry.lanes.upsert([lane])

    async def play(self, hours: float) -> None:
        spool = Spool(self.path / "spool.db", clock=self.clock)
        await spool.open()
        options = Options(seed=1, **dict.fromkeys(  # type: ignore[arg-type] # all are seconds
            ("lease", "refresh", "replan", "revisit", "report"), 20 * 86_400.0))  # fmt: skip
        ingestor = Ingestor(
            self.registry, spool, sources={name: make() for name, make in load_sources().items()},
            credentials=lambda lane: Credential(account=lane.account), clock=self.clock,
            options=options,
        )  # fmt: skip
        stop = asyncio.Event()
        task = asyncio.create_task(ingestor.run(stop))
        await asyncio.sleep(0)
        await self.clock.play(self.clock.now() + timedelta(hours=hours), ingestor.idle)
        stop.set()
        await task
        self.records += await drained(spool)
        await spool.close()

    def audience(self, account: str) -> Audience:
        found = [one for one in self.records if isinstance(one, Audience) and one.id == account]
        return max(found, key=lambda one: one.observed_at)

    def followers(self, account: str) -> dict[str, datetime]:
        """Return who follows an account, and when each was last met."""
        return {
            one.follower_id: one.observed_at
            for one in self.records
            if isinstance(one, Follow) and one.account_id == account
        }


@pytest.fixture
async def reader(tmp_path: Path) -> AsyncIterator[Reader]:
    clock = SteppedClock(START)
    url = f"sqlite:///{tmp_path}/registry.db"
    async with await open_registry(url, pepper="pepper" * 4, now=clock.now) as registry:
        yield Reader(registry, clock, tmp_path)


@pytest.fixture(scope="module")
def world() -> World:
    return World(7, start=START, days=12, brands=sports_brands(START), people=600)


@pytest.fixture(scope="module")
def truth(world: World) -> Truth:
    return Truth(world)


def account(world: World, network: str, *, home: int = 0, hides: bool = False) -> int:
    """Return somebody with some hundred followers, who lives there and hides them or not."""
    people = world.people
    sizes = people.followers(network, np.arange(people.count), milliseconds(START))
    return next(
        person for person in range(3, people.count)
        if 150 < sizes[person] < 700 and people.home[person] == home
        and people.hides(person) == hides and not people.private[person]
    )  # fmt: skip


@asynccontextmanager
async def played(
    reader: Reader, world: World, **budgets: tuple[int, float]
) -> AsyncIterator[Judge]:
    app = make_app(world, now=reader.clock.now)
    async with serving(app) as url:
        for source, site in SITES.items():
            await reader.lane(source, f"{url}/{site}", budgets.get(source, (300, 300.0)))
        yield app[JUDGE]


async def test_the_lists_of_both_networks_are_what_is_true(
    reader: Reader, world: World, truth: Truth
) -> None:
    async with played(reader, world):
        ids = []
        for network in SITES:
            person = account(world, network)
            handle = world.people.handles[person] + "@mastodon.example"
            if network == "bluesky":
                handle = world.people.bluesky_handle(person)
            await reader.registry.audiences.add(network, handle)
            ids.append(truth.author_id(network, person))
        await reader.play(hours=1)
    for one in ids:
        found = reader.audience(one)
        assert reader.followers(one).keys() == truth.audience(one, START)
        assert (found.complete, found.seen) == (True, found.stated)
    profiles = [one for one in reader.records if isinstance(one, Profile)]
    assert sorted(one.id for one in profiles) == sorted(ids)
    groups = {one.id: INTERESTS[truth.group_of(one.id)] for one in profiles}
    assert all(any(word in (one.bio or "") for word in groups[one.id]) for one in profiles)


async def test_hidden_lists_and_those_of_another_server_are_not_called_whole(
    reader: Reader, world: World, truth: Truth
) -> None:
    people = world.people
    hidden = account(world, "mastodon", hides=True)
    remote = account(world, "mastodon", home=1)
    async with played(reader, world):
        await reader.registry.audiences.add(
            "mastodon", f"{people.handles[hidden]}@mastodon.example"
        )
        await reader.registry.audiences.add("mastodon", f"{people.handles[remote]}@fedi.example")
        await reader.play(hours=1)
    of_hidden = reader.audience(truth.author_id("mastodon", hidden))
    assert (of_hidden.complete, of_hidden.reason, of_hidden.seen) == (False, "hidden", 0)
    of_remote = reader.audience(truth.author_id("mastodon", remote))
    assert (of_remote.complete, of_remote.reason, of_remote.whole_from) == (False, "short", None)
    assert 0.3 < of_remote.seen / (of_remote.stated or 1) < 0.7
    known = reader.followers(of_remote.id)
    assert known.keys() <= truth.audience(of_remote.id, START)


async def test_who_came_and_who_left_between_two_readings_is_what_is_true(
    reader: Reader, world: World, truth: Truth
) -> None:
    later = START + 8 * DAY
    people = world.people
    sizes = [
        people.followers("bluesky", np.arange(people.count), milliseconds(at))
        for at in (START, later)
    ]
    change = np.where((sizes[0] > 150) & (sizes[0] < 2_000), sizes[1] - sizes[0], 0)
    ids = []
    async with played(reader, world):
        for person in (int(np.argmin(change)), int(np.argmax(change))):
            handle = people.bluesky_handle(person)
            await reader.registry.audiences.add("bluesky", handle, every_days=8)
            ids.append(truth.author_id("bluesky", person))
        await reader.play(hours=8 * 24 + 1)
    for one in ids:
        met, whole_from = reader.followers(one), reader.audience(one).whole_from
        assert whole_from is not None
        assert whole_from >= later
        before, now = truth.audience(one, START), truth.audience(one, whole_from)
        assert {who for who, seen in met.items() if seen < whole_from} == before - now
        assert {who for who, seen in met.items() if seen >= whole_from} == now
    left, came = (truth.followers(one, later) - truth.followers(one, START) for one in ids)
    assert left < 0 < came


async def test_a_long_list_is_read_within_the_networks_budget(
    reader: Reader, world: World, truth: Truth
) -> None:
    async with played(reader, world, mastodon=(300, 300.0)) as judge:
        await reader.registry.audiences.add("mastodon", "nike@mastodon.example")
        await reader.play(hours=0.1)
        report = judge.report()
    (seen,) = [one for one in report.accounts.values() if one.requests]
    assert (report.refused, report.overspent) == (0, [])
    assert 190 <= seen.worst_window <= 203  # three quarters of nine tenths of 300
    found = reader.audience(truth.author_id("mastodon", 0))
    assert (found.complete, found.reason, found.stated) == (
        False, "reading", truth.followers(found.id, START),
    )  # fmt: skip
    assert found.seen == len(reader.followers(found.id)) > 15_000


# --- recorded pages of real networks


def _app_of(exchanges: list[dict[str, dict[str, object]]]) -> web.Application:
    """Return a server that answers as was recorded, by path and cursor."""
    known = {}
    for exchange in exchanges:
        parts = urlsplit(str(exchange["request"]["uri"]))
        cursor = parse_qs(parts.query).get("cursor", [""])[0]
        known[parts.path, cursor] = exchange["response"]

    async def answer(request: web.Request) -> web.Response:
        response = known.get((request.path, request.query.get("cursor", "")))
        if response is None:
            return web.json_response({"error": "NotFound"}, status=404)
        return web.json_response(response["json"], status=int(str(response["status"])))

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    return app


async def test_recorded_pages_of_bluesky_are_one_whole_list(
    reader: Reader, recordings: Path
) -> None:
    exchanges = []
    for name in ("devnet_profiles", "devnet_getFollowers_pages"):
        path = recordings / "bluesky" / f"{name}.exchanges.json"
        exchanges += json.loads(path.read_bytes())
    async with serving(_app_of(exchanges)) as url:
        await reader.lane("bluesky", url)
        await reader.registry.audiences.add("bluesky", "user1.test")
        await reader.play(hours=1)
    found = reader.audience("bluesky:did:plc:rgkysrwu4afcyj7nobglixpr")
    assert (found.pages, found.seen, found.stated, found.complete) == (4, 5, 5, True)
    handles = [one.follower_handle for one in reader.records if isinstance(one, Follow)]
    assert handles == [f"user{number}.test" for number in (19, 18, 17, 16, 0)]
    (profile,) = [one for one in reader.records if isinstance(one, Profile)]
    assert (profile.handle, profile.counts.followers) == ("user1.test", 5)


async def test_a_recorded_empty_list_of_mastodon_is_whole(reader: Reader, recordings: Path) -> None:
    path = recordings / "mastodon" / "mastodonpy_account_followers.exchanges.json"
    account, followers = json.loads(path.read_bytes())
    account["request"]["uri"] = "http://localhost:3000/api/v1/accounts/lookup"
    async with serving(_app_of([account, followers])) as url:
        await reader.lane("mastodon", url)
        await reader.registry.audiences.add("mastodon", "mastodonpy_test@localhost")
        await reader.play(hours=1)
    found = reader.audience("mastodon:http://localhost:3000/ap/users/117020457910412882")
    assert (found.pages, found.seen, found.stated, found.complete) == (1, 0, 0, True)
