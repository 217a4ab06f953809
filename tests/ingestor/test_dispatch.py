"""What polling came to must add up: planned once, made or missed, and visits only from what is
left.
"""

from datetime import timedelta
from itertools import pairwise

import msgspec
from aiohttp import web

from fakes.village import START, Bench
from lake.records import Gap
from registry.models import CampaignDraft

HOUR = timedelta(hours=1)


def busy(bench: Bench, *tags: str) -> None:
    """Give each tag more posts than its page shows, so that the ladder wants all of them."""
    for tag in tags:
        for number in range(40):
            bench.village.publish(tag, hash_of(tag) + number, START - timedelta(minutes=number))


def hash_of(tag: str) -> int:
    return 1000 * (1 + ["nike", "puma", "adidas"].index(tag))


def planned(bench: Bench) -> int:
    return sum(poll.planned for poll in bench.polls().values())


def made(bench: Bench) -> int:
    return sum(poll.made for poll in bench.polls().values())


def overlapping(gaps: list[Gap]) -> list[tuple[Gap, Gap]]:
    """Return the gaps of one target that begin before the one before has ended."""
    rows = sorted(gaps, key=lambda gap: (gap.target, gap.since))
    return [(a, b) for a, b in pairwise(rows) if a.target == b.target and b.since < a.until]


async def test_visits_leave_a_small_budget_to_the_polls(bench: Bench) -> None:
    bench.village.page = 40
    busy(bench, "nike", "puma", "adidas")
    lane = bench.lane(limit=5, window=3600.0)
    await bench.track("nike", "puma", "adidas", lanes=(lane,))
    await bench.play(hours=10)
    tags = sum(path.startswith("/tag/") for path in bench.village.asked)
    assert tags >= 38  # of the 10 * 5 * 0.9 / 1.02 = 44 that are planned
    assert made(bench) <= planned(bench)
    assert made(bench) >= 0.9 * planned(bench)


async def test_a_large_budget_has_room_for_visits_too(bench: Bench) -> None:
    busy(bench, "nike")
    await bench.track("nike", lanes=(bench.lane(limit=90, window=3600.0),))
    await bench.play(hours=3)
    assert any(path.startswith("/post/") for path in bench.village.asked)
    assert planned(bench) - 2 <= made(bench) <= planned(bench)


async def test_a_walk_longer_than_the_budget_ends_where_the_budget_does(bench: Bench) -> None:
    await bench.track("nike", lanes=(bench.lane(limit=5, window=3600.0),))
    bench.village.publish("nike", 1, START)
    await bench.play(hours=1)
    for number in range(2, 60):
        bench.village.publish("nike", number, bench.clock.now())
    await bench.play(hours=3)
    assert [gap.reason for gap in bench.gaps() if gap.reason == "overflow"] == ["overflow"]
    assert made(bench) >= 3


async def test_what_was_planned_while_a_lane_rested_is_counted_once(bench: Bench) -> None:
    async def refuse(_: web.Request) -> web.Response | None:
        hours = (bench.clock.now() - START) / HOUR
        if 1.0 < hours < 1.2:
            return web.Response(status=429, headers={"Retry-After": str(6 * 3600)})
        return None

    busy(bench, "nike", "puma", "adidas")
    bench.village.misbehave = refuse
    lane = bench.lane(limit=12, window=3600.0)
    await bench.track("nike", "puma", "adidas", lanes=(lane,))
    await bench.play(hours=10)
    resting = [gap for gap in bench.gaps() if gap.reason == "rate_limited"]
    assert {gap.target for gap in resting} == {
        f"mastodon/tag/{tag}" for tag in ("nike", "puma", "adidas")
    }
    assert overlapping(bench.gaps()) == []
    # 10 hours of 12 * 0.9 / 1.02, made or not; less from the refusal on, which halves the budget.
    assert 60 <= planned(bench) <= 107
    missed = sum(gap.polls_missed for gap in resting)
    # The refused poll counts as made, and as missed too: it brought nothing.
    assert planned(bench) - made(bench) == missed - 1


async def test_a_poll_that_is_put_off_again_and_again_is_planned_once(bench: Bench) -> None:
    """The network tells that nothing is left; each poll starts only after an hour or two."""

    async def empty(request: web.Request) -> web.Response | None:
        return web.json_response({"posts": []}, headers={"X-Left": "0"})

    bench.village.misbehave = empty
    await bench.track("nike", "puma", lanes=(bench.lane(limit=60, window=3600.0),))
    await bench.play(hours=4)
    hours = sum(poll.planned for poll in bench.polls().values()) / 2
    interval = 2 * 3600.0 / (60 * 0.9 * 3600 / 3660)
    assert hours <= 4 * 3600 / interval + 2
    assert overlapping(bench.gaps()) == []
    missed = sum(gap.polls_missed for gap in bench.gaps())
    assert planned(bench) - made(bench) == missed


async def test_a_target_nobody_has_room_for_has_a_gap_for_every_hour(bench: Bench) -> None:
    bench.options = type(bench.options)(
        **{**msgspec.structs.asdict(bench.options), "report": 4 * 3600.0}
    )
    lane = msgspec.structs.replace(bench.lane(), slots=1, slot_window=7 * 86_400.0)
    await bench.track("nike", lanes=(lane,))
    client = (await bench.registry.clients.list())[0]
    (campaign,) = (await bench.registry.campaigns.list(client.id)).campaigns
    more = {name: getattr(campaign, name) for name in ("networks", "start", "end")}
    draft = CampaignDraft(name="more", hashtags=("puma",), **more)
    await bench.registry.campaigns.create(client.id, draft)
    await bench.play(hours=8.5)
    hours = sorted((gap.since, gap.until) for gap in bench.gaps())
    assert hours == [(START + n * HOUR, START + (n + 1) * HOUR) for n in range(8)]


async def test_a_client_with_one_tag_is_not_kept_waiting_by_one_with_fifty(bench: Bench) -> None:
    lane = bench.lane(limit=12, window=3600.0)
    await bench.track(*(f"tag{number}" for number in range(40)), lanes=(lane,))
    small = await bench.registry.clients.create("small")
    dates = {"start": START + timedelta(days=7), "end": START + timedelta(days=21)}
    draft = CampaignDraft(name="one", networks=("mastodon",), hashtags=("nike",), **dates)
    await bench.registry.campaigns.create(small.id, draft)
    await bench.play(hours=0.2)
    assert "/tag/nike" in bench.village.asked[:3]
