"""Every way the simulated networks refuse is understood by the sources as what it is."""

from datetime import UTC, datetime, timedelta

import pytest

from ingestor.contract import Answer, Source
from ingestor.errors import BadAnswer, Down, Gone, IngestError, RateLimited, Refused
from ingestor.sources import SOURCES
from simnet import Budgets, Faults, SteppedClock, World
from simnet.brands import sports_brands
from simnet.faults import Death, HowDead, Outage
from simnet.simulation import Simulation
from simnet.wire import ask

START = datetime(2026, 3, 2, tzinfo=UTC)
ONE = Budgets(
    web=(1, 3600), graph_user=(1, 3600), graph_app=(9, 3600), mastodon=(1, 300), bluesky=(1, 300)
)
WEB = {"Cookie": "sessionid=session-0001"}
ASKED = {
    "instagram": ("/instagram.example/explore/tags/nike/?__a=1&__d=dis", WEB),
    "instagram_graph": (
        "/graph.example/ig_hashtag_search?user_id=1&q=nike",
        {"Authorization": "Bearer EAAsimtoken0001"},
    ),
    "mastodon": (
        "/mastodon.example/api/v1/timelines/tag/nike",
        {"Authorization": "Bearer mastodon-token-0001"},
    ),
    "bluesky": (
        "/bsky.example/xrpc/app.bsky.feed.searchPosts?q=%23nike",
        {"Authorization": "Bearer e30.e30.app-password-0001"},
    ),
}
NAMES = list(ASKED)


@pytest.fixture(scope="module")
def world() -> World:
    return World(3, start=START, days=3, brands=sports_brands(START), people=100)


def _judged(name: str, simulation: Simulation, url: str = "") -> IngestError | None:
    """Ask once and return what the source makes of the answer."""
    path, headers = ASKED[name]
    reply = simulation.answer(ask("GET", url or path, headers=headers))
    lower = {key.lower(): value for key, value in reply.headers}
    answer = Answer(status=reply.status, headers=lower, body=reply.body, url=path)
    source: Source = SOURCES[name]()
    try:
        source.judge(answer, simulation.now())
    except IngestError as error:
        return error
    return None


def _simulation(world: World, **more: object) -> Simulation:
    return Simulation(world, now=SteppedClock(START + timedelta(days=2)), **more)  # type: ignore[arg-type]  # a test's shorthand


@pytest.mark.parametrize("name", NAMES)
def test_a_spent_budget_is_a_rate_limit_with_its_wait(world: World, name: str) -> None:
    simulation = _simulation(world, budgets=ONE)
    assert _judged(name, simulation) is None
    error = _judged(name, simulation)
    assert isinstance(error, RateLimited)
    wait = {"instagram": None, "instagram_graph": 3600, "mastodon": 300, "bluesky": 300}[name]
    assert error.seconds == wait


def test_a_throttled_app_is_known_as_such(world: World) -> None:
    simulation = _simulation(world, budgets=Budgets(graph_user=(9, 3600), graph_app=(1, 3600)))
    assert _judged("instagram_graph", simulation) is None
    error = _judged("instagram_graph", simulation)
    assert isinstance(error, RateLimited)
    assert error.whole_app


def test_a_full_slot_quota_is_a_rate_limit(world: World) -> None:
    simulation = _simulation(world, budgets=Budgets(slots=(0, 7 * 86_400.0)))
    error = _judged("instagram_graph", simulation)
    assert isinstance(error, RateLimited)
    assert error.code == "18"


@pytest.mark.parametrize("name", NAMES)
def test_a_dead_login_is_refused(world: World, name: str) -> None:
    account = {"instagram": "web-1", "instagram_graph": "graph-1"}.get(name, f"{name}-1")
    death = Death(login=account, at=START, how="dead_token")
    error = _judged(name, _simulation(world, faults=Faults(deaths=(death,))))
    assert isinstance(error, Refused)


@pytest.mark.parametrize(
    ("how", "kind"), [("checkpoint", "checkpoint"), ("login_required", "login_required")]
)
def test_instagrams_deaths_are_told_apart(world: World, how: HowDead, kind: str) -> None:
    death = Death(login="web-1", at=START, how=how)
    error = _judged("instagram", _simulation(world, faults=Faults(deaths=(death,))))
    assert isinstance(error, Refused)
    assert error.kind == kind


@pytest.mark.parametrize("name", NAMES)
def test_an_outage_is_down(world: World, name: str) -> None:
    site = ASKED[name][0].split("/")[1]
    outage = Outage(site=site, since=START, until=START + timedelta(days=9))
    error = _judged(name, _simulation(world, faults=Faults(outages=(outage,))))
    assert isinstance(error, Down)


@pytest.mark.parametrize("name", NAMES)
def test_html_in_the_place_of_json_is_a_bad_answer(world: World, name: str) -> None:
    error = _judged(name, _simulation(world, faults=Faults(html=1.0)))
    assert isinstance(error, BadAnswer)


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("instagram", "/instagram.example/nobody_at_all/?__a=1"),
        ("instagram", "/instagram.example/api/v1/media/17/info/"),
        ("instagram_graph", "/graph.example/ig_hashtag_search?user_id=1&q=neverused"),
        ("mastodon", "/mastodon.example/api/v1/statuses/17"),
        ("mastodon", "/mastodon.example/api/v1/accounts/lookup?acct=nobody"),
        ("bluesky", "/bsky.example/xrpc/app.bsky.actor.getProfile?actor=nobody.test"),
    ],
)
def test_what_is_not_there_is_gone(world: World, name: str, url: str) -> None:
    assert isinstance(_judged(name, _simulation(world), url), Gone)
