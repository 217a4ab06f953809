"""Case 28: accounts that die or dawdle: no storm at them, and their targets go on elsewhere.

Case 29: a network that answers nothing but 503 for five minutes.
"""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from aiohttp import web

from fakes.memory_lake import MemoryLake
from faults.figures import record
from faults.forms import form
from faults.judge import Provider
from faults.stage import START, running, stage
from ingestor.ingest import Options
from registry import Registry, open_registry
from registry.models import CampaignDraft
from simnet.budgets import Budgets
from simnet.faults import Death, Faults, HowDead, Outage
from taglake.roles import Collector
from taglake.settings import AccountSettings, IngestSettings, Settings

HOUR = 3600.0


LONG_ONLY: list[HowDead] = ["challenge", "login_required"]


@pytest.mark.parametrize("how", ["checkpoint", "dead_token", *form([], LONG_ONLY)])
async def test_a_dead_account_is_asked_three_times_at_most_and_its_tags_move(
    how: HowDead, tmp_path: Path
) -> None:
    tags = [f"tag{number}" for number in range(24)]
    death = Death(login="web-1", at=START + timedelta(hours=1), how=how)
    budgets = Budgets(page=20, web=(100, HOUR))
    async with stage(tmp_path, tags=tags, faults=Faults(deaths=(death,)), budgets=budgets) as made:
        await made.track("instagram", accounts=3, tags=tags, budget=(30, HOUR), slots=12)
        async with running(made, tmp_path):
            await made.play(hours=1)
            before = await _pinned(made.registry)
            await made.play(hours=2)
        after = await _pinned(made.registry)
        judged = made.net.judge.report()
        (dead,) = [lane for lane in await made.registry.lanes.list() if lane.quarantined_at]
    moved = [tag for tag, lane in before.items() if lane == "instagram/web-1"]
    late = judged.accounts["web-1"].after_death
    slots = Counter(lane for lane in after.values() if lane)
    record(
        28, f"account dead: {how}",
        requests_to_dead=late,
        tags_of_dead=len(moved),
        tags_moved=sum(after[tag] is not None for tag in moved),
        slots_used_most=max(slots.values()),
    )  # fmt: skip
    assert 1 <= late <= 3
    assert dead.id == "instagram/web-1"
    assert slots == {"instagram/web-2": 12, "instagram/web-3": 12}  # as many as they have slots
    assert judged.overspent == []


async def _pinned(registry: Registry) -> dict[str, str | None]:
    watched = await registry.targets.watched(START + timedelta(hours=1))
    return {one.key: one.lane for one in watched}


async def test_an_account_whose_answers_take_ten_seconds_holds_up_no_other(tmp_path: Path) -> None:
    provider = Provider(limit=30, window=6.0)
    provider.late["token-of-slow"] = 10.0
    runner = web.AppRunner(provider.app(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    settings = Settings.model_construct(
        accounts=tuple(
            AccountSettings(
                source="mastodon", name=name, base_url=url, secret=name, limit=30, window=6.0
            )
            for name in ("slow", "quick")
        ),
        secrets=tmp_path, ingest=IngestSettings(spool=tmp_path / "spool.db"),
    )  # fmt: skip
    for name in ("slow", "quick"):
        (tmp_path / name).write_text(f"token-of-{name}")
    async with await open_registry(
        f"sqlite:///{tmp_path}/registry.db", pepper="p" * 24
    ) as registry:
        options = Options(concurrency=8, grace=0.1)  # fewer than what is due on the slow one
        collector = Collector(settings, MemoryLake(), registry, options=options)
        await collector.open()
        await _track(registry, [f"tag{number}" for number in range(200)])
        stop = asyncio.Event()
        task = asyncio.create_task(collector.ingestor.run(stop))
        await asyncio.sleep(6.0)
        stop.set()
        await task
        await collector.close()
    await runner.cleanup()
    slow, quick = (
        len(provider.judge.records[f"token-of-{name}"].stamps) for name in ("slow", "quick")
    )
    record(
        28, "answers of one account take 10 s", requests_to_slow=slow,
        requests_of_the_other=quick, allowed_to_the_other_in_a_window=30,
    )  # fmt: skip
    assert slow <= 5
    assert quick >= 30


async def _track(registry: Registry, tags: list[str]) -> None:
    client = await registry.clients.create("one", max_targets=len(tags))
    now = datetime.now(UTC)
    draft = CampaignDraft(
        name="one", networks=("mastodon",), hashtags=tuple(tags), baseline_days=0,
        start=now - timedelta(hours=1), end=now + timedelta(days=1),
    )  # fmt: skip
    await registry.campaigns.create(client.id, draft)


async def test_an_outage_costs_a_probe_every_thirty_seconds_and_ends_by_itself(
    tmp_path: Path,
) -> None:
    tags = [f"tag{number}" for number in range(40)]
    since, seconds = START + timedelta(minutes=10), 300.0
    down = Outage(site="mastodon.example", since=since, until=since + timedelta(seconds=seconds))
    async with stage(tmp_path, tags=tags, faults=Faults(outages=(down,))) as made:
        await made.track("mastodon", accounts=8, tags=tags, budget=(300, 300.0), slots=0)
        async with running(made, tmp_path):
            await made.play(hours=0.4)
    begin, end = 600.0, 600.0 + seconds
    names = [f"mastodon-{number}" for number in range(1, 9)]
    stamps = sorted(at for name in names for at in made.asked(name))
    during = [at for at in stamps if begin <= at < end]
    back = next(at for at in stamps if at >= end) - end
    opened = during[10]  # the breaker opens with the eleventh failure among twenty answers
    probes = [at for at in during if at > opened + 1.0]
    busy = next(at for at in stamps if at >= end + back and _rate(stamps, at) >= 0.9) - end
    record(
        29, "503 for 5 minutes, 8 accounts",
        requests_during=len(during), probes=len(probes), until_first_answer=round(back, 1),
        until_usual_rate=round(busy, 1),
    )  # fmt: skip
    assert len(during) <= 11 + 3 + 10
    assert 8 <= len(probes) <= 10
    assert all(b - a >= 29.9 for a, b in pairwise(probes))
    assert back <= 30.5
    assert busy <= 90.0


def _rate(stamps: list[float], at: float) -> float:
    """Return the requests of a minute from `at` on as a share of those before the outage."""
    usual = sum(300.0 <= one < 600.0 for one in stamps) / 5.0
    return sum(at <= one < at + 60.0 for one in stamps) / usual
