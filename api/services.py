"""What every request of one app shares. Made by `create_app`, held by the app, ends with it."""

import asyncio
from collections.abc import Callable
from datetime import datetime

import msgspec
from fastapi import Request

from api.allowance import Allowance
from api.answers import Answer
from api.cache import SingleFlight
from api.meters import Meters
from api.settings import ApiSettings
from insights.audiences.book import Book
from lake.contract import Lake
from registry import Registry
from registry.models import Key


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """The app's parts: where posts and campaigns are, the clock, and the short memories."""

    lake: Lake
    audiences: Book
    registry: Registry
    now: Callable[[], datetime]
    settings: ApiSettings
    answers: SingleFlight[Answer]
    keys: SingleFlight[Key | None]
    allowance: Allowance
    meters: Meters
    exports: asyncio.Semaphore


async def services(request: Request) -> Services:
    """Return the app's parts."""
    found: Services = request.app.state.services
    return found
