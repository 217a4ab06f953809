from datetime import timedelta

import msgspec
import pytest

from simnet.budgets import Budgets
from simnet.clocks import SteppedClock
from simnet.faults import Death, Faults, HowDead, Outage
from simnet.simulation import Simulation
from simnet.wire import Reply, ask
from simnet.world import World

WEB = {"Cookie": "sessionid=session-0001"}
TAG = "/instagram.example/explore/tags/nike/?__a=1"
TIMELINE = "/mastodon.example/api/v1/timelines/tag/nike"


def _web(simulation: Simulation) -> Reply:
    return simulation.answer(ask("GET", TAG, headers=WEB))


def test_a_site_is_down_during_its_outage_only(world: World, clock: SteppedClock) -> None:
    outage = Outage(
        site="mastodon.example",
        since=clock() + timedelta(minutes=5),
        until=clock() + timedelta(minutes=10),
    )
    simulation = Simulation(world, now=clock, faults=Faults(outages=(outage,)))
    found = []
    for _ in range(3):
        found.append(simulation.answer(ask("GET", TIMELINE)).status)
        clock.advance(300)
    assert found == [200, 503, 200]


@pytest.mark.parametrize("retry_after", ["120", "Wed, 11 Mar 2026 04:00:00 GMT", "-1", "1e9", None])
def test_a_throttled_site_says_what_it_was_told_to(
    world: World, clock: SteppedClock, retry_after: str | None
) -> None:
    until = clock() + timedelta(hours=1)
    throttle = Outage(
        site="fedi.example", since=clock(), until=until, status=429, retry_after=retry_after
    )
    simulation = Simulation(world, now=clock, faults=Faults(outages=(throttle,)))
    reply = simulation.answer(ask("GET", TIMELINE.replace("mastodon.", "fedi.")))
    assert reply.status == 429
    assert dict(reply.headers).get("Retry-After") == retry_after


@pytest.mark.parametrize(
    ("how", "status", "message"),
    [
        ("checkpoint", 400, "checkpoint_required"),
        ("challenge", 400, "challenge_required"),
        ("feedback", 400, "feedback_required"),
        ("wait", 401, "Please wait a few minutes before you try again."),
        ("dead_token", 403, "login_required"),
    ],
)
def test_a_login_dies_as_asked(
    world: World, clock: SteppedClock, how: HowDead, status: int, message: str
) -> None:
    death = Death(login="web-1", at=clock() + timedelta(hours=1), how=how)
    simulation = Simulation(world, now=clock, faults=Faults(deaths=(death,)))
    assert _web(simulation).status == 200
    clock.advance(3600)
    reply = _web(simulation)
    assert (reply.status, msgspec.json.decode(reply.body)["message"]) == (status, message)
    assert simulation.judge.report().accounts["web-1"].after_death == 1


def test_a_login_may_end_at_the_log_in_page(world: World, clock: SteppedClock) -> None:
    death = Death(login="web-1", at=clock(), how="login_required")
    simulation = Simulation(world, now=clock, faults=Faults(deaths=(death,)))
    reply = _web(simulation)
    assert reply.status == 302
    assert dict(reply.headers)["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize(
    ("login", "url", "headers", "status", "text"),
    [
        ("graph-1", "/graph.example/x?access_token=EAAsimtoken0001", {}, 400, b'"code":190'),
        (
            "mastodon-1", TIMELINE, {"Authorization": "Bearer mastodon-token-0001"},
            401, b"The access token was revoked",
        ),
        (
            "bluesky-1", "/bsky.example/xrpc/app.bsky.feed.searchPosts?q=a",
            {"Authorization": "Bearer a.b.app-password-0001"}, 401, b"AccountTakedown",
        ),
    ],
)  # fmt: skip
def test_a_token_dies_in_its_networks_own_words(
    world: World, clock: SteppedClock, login: str, url: str, headers: dict[str, str],
    status: int, text: bytes,
) -> None:  # fmt: skip
    death = Death(login=login, at=clock(), how="dead_token")
    simulation = Simulation(world, now=clock, faults=Faults(deaths=(death,)))
    reply = simulation.answer(ask("GET", url, headers=headers))
    assert reply.status == status
    assert text in reply.body


def test_spoiled_answers_come_in_their_share_and_again_the_same(
    world: World, clock: SteppedClock
) -> None:
    faults = Faults(seed=1, html=0.1, truncated=0.2, broken=0.1)
    limits = Budgets(mastodon=(10**6, 300))

    def kinds() -> list[str]:
        at = SteppedClock(clock())
        simulation = Simulation(world, now=at, faults=faults, budgets=limits)
        found = []
        for _ in range(1_000):
            found.append(_kind(simulation.answer(ask("GET", TIMELINE))))
            at.advance(1)
        return found

    found = kinds()
    # 1,000 answers: the standard deviation is 13 for a share of 0.2, 9 for 0.1; four are allowed.
    assert found.count("broken") == pytest.approx(100, abs=38)
    assert found.count("html") == pytest.approx(90, abs=38)
    assert found.count("truncated") == pytest.approx(162, abs=47)
    assert found == kinds()


def _kind(reply: Reply) -> str:
    if reply.status == 500:
        return "broken"
    if reply.body.startswith(b"<!DOCTYPE"):
        return "html"
    try:
        msgspec.json.decode(reply.body)
    except msgspec.DecodeError:
        return "truncated"
    return "good"


def test_a_share_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="html: 2 must be a share between 0 and 1"):
        Faults(html=2)


def test_an_unknown_site_is_nowhere(world: World, clock: SteppedClock) -> None:
    assert Simulation(world, now=clock).answer(ask("GET", "/x.example/a")).status == 404
