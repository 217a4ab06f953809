"""A simulated social world that speaks the real wire formats over HTTP."""

from simnet.brands import Brand
from simnet.budgets import Budgets
from simnet.clocks import FastClock, SteppedClock
from simnet.faults import Faults
from simnet.server import addresses, make_app, serve
from simnet.truth import Truth
from simnet.world import World

__all__ = [
    "Brand",
    "Budgets",
    "FastClock",
    "Faults",
    "SteppedClock",
    "Truth",
    "World",
    "addresses",
    "make_app",
    "serve",
]
