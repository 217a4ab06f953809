"""`audience`: what collecting followers costs, how far it is, and its end."""

import asyncio
import json
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import web

from fakes.observations import audience, gap, profile
from fakes.terminal import Run
from lake.records import ProfileCounts, Record
from registry.models import Lane
from simnet.brands import sports_brands
from simnet.server import JUDGE, make_app
from simnet.truth import Truth
from simnet.world import World
from taglake import roles
from taglake.settings import load
from taglake.wiring import open_lake, open_the_registry

START = datetime(2026, 3, 2, tzinfo=UTC)
NOW = START + timedelta(days=9)
ACCOUNT = '[[accounts]]\nsource = "{source}"\nname = "reader"\nbase_url = "{url}"\n'
NIKE = "@nike@mastodon.example"
ON_MASTODON = ("--network", "mastodon")


class Networks:
    """The simulated networks in a thread of their own."""

    def __init__(self) -> None:
        self.world = World(7, start=START, days=12, brands=sports_brands(START), people=600)
        self.truth = Truth(self.world)
        self.app = make_app(self.world, now=lambda: NOW)
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        runner = web.AppRunner(self.app, access_log=None)
        self._loop.run_until_complete(runner.setup())
        self._loop.run_until_complete(web.TCPSite(runner, "127.0.0.1", 0).start())
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def requests(self) -> int:
        return int(self.app[JUDGE].report().requests)

    def person(self) -> int:
        """Return somebody of mastodon.example with some hundred followers."""
        people = self.world.people
        sizes = people.followers("mastodon", np.arange(people.count), self.world.begin)
        return next(
            p for p in range(3, people.count)
            if 150 < sizes[p] < 500 and people.home[p] == 0 and not people.hides(p)
        )  # fmt: skip


@pytest.fixture(scope="module")
def networks() -> Iterator[Networks]:
    networks = Networks()
    networks.start()
    yield networks
    networks.stop()


@pytest.fixture
def asking(ready: Run, home: Path, networks: Networks) -> Run:
    """The command line with an account on each of the simulated networks."""
    blocks = [
        ACCOUNT.format(source="mastodon", url=f"{networks.url}/mastodon.example"),
        ACCOUNT.format(source="bluesky", url=f"{networks.url}/bsky.example"),
    ]
    (home / "taglake.toml").write_text("\n".join(blocks))
    return ready


def _listed(run: Run) -> list[Any]:
    shown = run("audience", "list", "--json")
    assert shown.code == 0
    return [json.loads(line) for line in shown.out.splitlines()]


def _planned(run: Run, *handles: str, network: str = "mastodon") -> Any:
    line = ("audience", "collect", *handles, "--network", network, "--dry-run", "--json")
    return json.loads(run(*line).out)


async def _keep(*records: Record) -> None:
    async with open_lake(load()) as lake:
        await lake.append(records)


async def _hold(network: str) -> None:
    """Let a running ingestor hold the account of a network."""
    async with open_the_registry(load()) as registry:
        url = "http://127.0.0.1:1"
        lane = Lane(id=f"{network}/reader", source=network, network=network, account="reader",
                    base_url=url, limit=300, window=300.0)  # fmt: skip
        await registry.lanes.upsert([lane])
        await registry.lanes.claim("an ingestor", most=9, seconds=900.0)


# --- the plan


def test_a_plan_asks_the_network_once_an_account_and_registers_nothing(
    asking: Run, networks: Networks
) -> None:
    before = networks.requests()
    plan = _planned(asking, NIKE, "@puma@mastodon.example")
    assert networks.requests() == before + 2
    nike, puma = plan["audiences"]
    truth = networks.truth
    stated = truth.followers(truth.author_id("mastodon", 0), NOW)
    assert (nike["followers"], nike["told_by"]) == (stated, "network")
    assert nike["pages"] == -(-stated // 80)
    assert nike["requests"] == nike["pages"] + 1
    assert (nike["lane"], puma["lane"]) == ("mastodon/reader", "mastodon/reader")
    assert (plan["fits"], plan["registered"], plan["unknown"]) == (True, False, 0)
    assert plan["requests"] == nike["requests"] + puma["requests"]
    assert _listed(asking) == []


def test_shorter_lists_are_read_before_longer_ones(asking: Run) -> None:
    nike, puma = _planned(asking, NIKE, "@puma@mastodon.example")["audiences"]
    # Three quarters of nine tenths of 300 requests in 305 seconds.
    assert nike["spare_per_hour"] == pytest.approx(0.675 * 300 * 3600 / 305)
    assert puma["hours"] == pytest.approx(puma["requests"] / puma["spare_per_hour"])
    assert nike["hours"] == pytest.approx(
        (puma["requests"] + nike["requests"]) / nike["spare_per_hour"]
    )


def test_a_plan_is_a_table_with_its_total(asking: Run) -> None:
    shown = asking("audience", "collect", NIKE, *ON_MASTODON, "--dry-run")
    head, nike, total, *notes = shown.out.splitlines()
    assert head.split() == ["account", "followers", "requests", "spare/h", "read", "after", "lane"]
    assert nike.startswith("nike@mastodon.example ")
    assert nike.endswith("mastodon/reader")
    assert total.startswith("total ")
    assert " h" in total
    assert "asked on another server than their own" in notes[0]  # of a local test, which it is


def test_campaigns_leave_less_to_spare(asking: Run, networks: Networks) -> None:
    alone = _planned(asking, NIKE)["audiences"][0]["spare_per_hour"]

    async def track() -> None:
        from fakes.registered import draft

        async with open_the_registry(load()) as registry:
            client = await registry.clients.create("Acme")
            now = await registry.now()
            dates = {"start": now, "end": now + timedelta(days=9)}
            await registry.campaigns.create(client.id, draft(**dates))

    asyncio.run(track())
    beside = _planned(asking, NIKE)["audiences"][0]["spare_per_hour"]
    assert beside == pytest.approx(alone - 0.75 * 60.0)  # one tag, once a minute


def test_an_account_that_an_ingestor_holds_is_not_asked_and_the_lake_may_know(
    asking: Run, networks: Networks
) -> None:
    asyncio.run(_hold("mastodon"))
    known = ProfileCounts(followers=800)
    asyncio.run(_keep(profile("mastodon:nike", "nike@mastodon.example", counts=known)))
    before = networks.requests()
    nike, puma = _planned(asking, NIKE, "@puma@mastodon.example")["audiences"]
    assert networks.requests() == before
    assert (nike["followers"], nike["told_by"], nike["requests"]) == (800, "lake", 11)
    assert (puma["followers"], puma["told_by"], puma["hours"]) == (None, None, None)
    shown = asking("audience", "collect", "@puma@mastodon.example", *ON_MASTODON, "--dry-run")
    assert "1 of unknown length: an ingestor holds the account" in shown.out


def test_asking_gives_the_account_back(asking: Run) -> None:
    _planned(asking, NIKE)

    async def owners() -> list[str | None]:
        async with open_the_registry(load()) as registry:
            return [lane.lease_owner for lane in await registry.lanes.list()]

    assert asyncio.run(owners()) == [None, None]


def test_what_no_account_can_list_does_not_fit_and_ends_with_5(ready: Run) -> None:
    line = ("audience", "collect", "nike.bsky.example", "--network", "bluesky", "--yes")
    shown = ready(*line)
    assert shown.code == 5
    assert "nike.bsky.example: no account can list followers on bluesky; add one" in shown.out
    assert "nothing was registered" in shown.err
    assert json.loads(ready(*line, "--json").out)["fits"] is False
    assert _listed(ready) == []


def test_what_campaigns_leave_nothing_for_does_not_fit(
    asking: Run, home: Path, networks: Networks
) -> None:
    text = ACCOUNT.format(source="mastodon", url=f"{networks.url}/mastodon.example")
    (home / "taglake.toml").write_text(f"{text}limit = 9\nwindow = 3600\n")

    async def track() -> None:
        from fakes.registered import draft

        async with open_the_registry(load()) as registry:
            client = await registry.clients.create("Acme")
            now = await registry.now()
            dates = {"start": now, "end": now + timedelta(days=9)}
            await registry.campaigns.create(client.id, draft(**dates))

    _planned(asking, NIKE)  # makes the account known
    asyncio.run(track())
    shown = asking("audience", "collect", NIKE, *ON_MASTODON, "--yes")
    assert shown.code == 5
    assert "campaigns need the whole budget; add an account, or end one" in shown.out


# --- collecting


def test_what_is_agreed_to_is_read_and_listed(asking: Run, networks: Networks) -> None:
    truth, people = networks.truth, networks.world.people
    person = networks.person()
    handle = f"{people.handles[person]}@mastodon.example"
    shown = asking("audience", "collect", handle, *ON_MASTODON, "--every-days", "7", "--yes")
    assert (shown.code, shown.err) == (0, "")
    assert "wanted from now on" in shown.out
    (waiting,) = _listed(asking)
    assert (waiting["handle"], waiting["state"], waiting["every_days"]) == (handle, "waiting", 7)
    asyncio.run(_ingest())
    (found,) = _listed(asking)
    account = truth.author_id("mastodon", person)
    assert (found["account_id"], found["state"], found["complete"]) == (account, "whole", True)
    assert found["seen"] == found["stated"] == truth.followers(account, NOW)
    assert found["next_at"] > found["ended_at"]
    line = asking("audience", "list").out
    assert f"\t{handle}\twhole\t{found['seen']} of {found['seen']}\tagain on 20" in line


async def _ingest() -> None:
    """Run an ingestor in real time until followers have come and no more do."""
    settings = load()
    async with open_lake(settings) as lake, open_the_registry(settings) as registry:
        collector = roles.Collector(settings, lake, registry)
        await collector.open()
        stop = asyncio.Event()

        async def watch() -> None:
            metrics, before = collector.ingestor.metrics, -1
            while not metrics.follows or metrics.follows != before:
                before = metrics.follows
                await asyncio.sleep(0.5)
            stop.set()

        try:
            async with asyncio.timeout(60), asyncio.TaskGroup() as group:
                group.create_task(watch())
                await collector.run(stop)
        finally:
            await collector.close()


def test_without_a_terminal_somebody_has_to_say_yes(asking: Run) -> None:
    shown = asking("audience", "collect", NIKE, *ON_MASTODON)
    assert shown.code == 2
    assert "--yes: nobody can be asked here" in shown.err


@pytest.mark.parametrize(("answer", "count"), [("y", 1), ("n", 0)])
def test_on_a_terminal_the_operator_is_asked(
    asking: Run, monkeypatch: pytest.MonkeyPatch, answer: str, count: int
) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            return f"{answer}\n"

    monkeypatch.setattr(sys, "stdin", Terminal())
    shown = asking("audience", "collect", NIKE, *ON_MASTODON, "--once")
    assert shown.code == 0
    assert "Collect these?" in shown.err
    assert [one["every_days"] for one in _listed(asking)] == [None] * count


def test_an_account_that_is_not_there_is_named_before_anything_is_registered(asking: Run) -> None:
    shown = asking("audience", "collect", NIKE, "@nobody@mastodon.example", *ON_MASTODON, "--yes")
    assert shown.code == 3
    assert "nobody@mastodon.example: mastodon knows no such account" in shown.err
    assert _listed(asking) == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("collect nike --network mastodon --yes", "add its server: nike@mastodon.social"),
        ("collect nike --network myspace --yes", "--network 'myspace': unknown; there are bluesky"),
        ("collect nike.bsky.social --network bluesky --every-days 0 --yes", "0"),
        ("collect --network bluesky", "HANDLES"),
        ("stop nike --network mastodon", "add its server"),
    ],
)
def test_a_wrong_argument_is_named_and_ends_with_2(asking: Run, line: str, said: str) -> None:
    shown = asking("audience", *line.split())
    assert shown.code == 2
    assert said in shown.err


# --- listing and stopping


def test_lists_say_how_far_they_are_and_why_not_whole(ready: Run) -> None:
    later = START + timedelta(days=20)

    async def fill() -> None:
        async with open_the_registry(load()) as registry:
            for name in ("gone", "hidden", "new", "reading"):
                await registry.audiences.add("bluesky", f"{name}.example", who="ops")
        await _keep(
            audience("bluesky:h", "hidden.example", complete=False, reason="hidden", stated=80,
                     started_at=START, ended_at=START, whole_from=None),
            audience("bluesky:r", "reading.example", ended_at=None, complete=True, seen=5,
                     stated=9_000, whole_from=START),
            gap("bluesky/followers/gone.example", later, later, detail="400: not found"),
        )  # fmt: skip

    asyncio.run(fill())
    gone, hidden, new, reading = (
        line.split("\t") for line in ready("audience", "list").out.splitlines()
    )
    nowhere = "no account can list it: add one to taglake.toml"
    assert gone[1:5] == [
        "gone.example", "waiting", "-", f"{nowhere}; the network said: 400: not found",
    ]  # fmt: skip
    assert hidden[2:5] == [
        "partial", "0 of 80", f"{nowhere}; the account hides its list; again on 2026-04-01",
    ]  # fmt: skip
    assert new[2:4] == ["waiting", "-"]
    assert reading[2:5] == ["reading", "5 of 9,000", f"{nowhere}; whole as of 2026-03-02"]


def test_no_audiences_are_told_as_such(ready: Run) -> None:
    assert ready("audience", "list").out.startswith("there are no audiences yet")
    assert ready("audience", "list", "--json").out == ""


def test_an_audience_is_stopped_and_forgotten_by_the_list(asking: Run) -> None:
    asking("audience", "collect", NIKE, *ON_MASTODON, "--yes")
    assert len(_listed(asking)) == 1
    shown = asking("audience", "stop", NIKE, *ON_MASTODON)
    assert (shown.code, shown.out) == (0, "1 stopped; what was read stays in the lake\n")
    assert _listed(asking) == []
    again = asking("audience", "stop", NIKE, *ON_MASTODON)
    assert again.code == 3
    assert "there is no audience 'mastodon/followers/nike@mastodon.example'" in again.err
