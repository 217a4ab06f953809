"""A small world, its sites without a socket, and a way to ask them."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from simnet.brands import sports_brands
from simnet.budgets import Budgets
from simnet.clocks import SteppedClock
from simnet.simulation import Simulation
from simnet.truth import Truth
from simnet.wire import Reply, ask
from simnet.world import World

START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
PLENTY = Budgets(
    web=(10**6, 3600),
    web_anonymous=(10**6, 660),
    graph_user=(10**6, 3600),
    mastodon=(10**6, 300),
    bluesky=(10**6, 300),
)

Ask = Callable[..., Reply]
AskJson = Callable[..., Any]


@pytest.fixture(scope="session")
def world() -> World:
    return World(7, start=START, days=12, brands=sports_brands(START), people=600)


@pytest.fixture(scope="session")
def truth(world: World) -> Truth:
    return Truth(world)


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(START + timedelta(days=9, hours=3))


@pytest.fixture
def simulation(world: World, clock: SteppedClock) -> Simulation:
    return Simulation(world, now=clock, budgets=PLENTY)


@pytest.fixture
def tell(simulation: Simulation) -> Ask:
    """Ask for an address and return the whole answer."""

    def asked(url: str, method: str = "GET", *, headers: Mapping[str, str] | None = None,
              body: bytes = b"") -> Reply:  # fmt: skip
        return simulation.answer(ask(method, url, headers=headers, body=body))

    return asked


@pytest.fixture
def tell_json(tell: Ask) -> AskJson:
    """Ask for an address that answers 200 with JSON, and return the JSON."""

    def asked(url: str, method: str = "GET", **more: Any) -> Any:
        reply = tell(url, method, **more)
        assert reply.status == 200, reply.body
        return msgspec.json.decode(reply.body)

    return asked
