"""`taglake doctor`: what is there, what is wrong, and what to do about it."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Literal

import aiohttp
import msgspec

from insights.audiences.book import Book
from insights.errors import Damaged
from lake.errors import LakeError
from registry import RegistryError
from registry.models import Lane
from taglake import wiring
from taglake.errors import TaglakeError
from taglake.kernels import missing
from taglake.settings import Settings

FREE_BYTES = 1 << 30
CLOCK_SECONDS = 5.0  # a network that signs requests refuses more; versions and windows suffer too
ASK_SECONDS = 8.0


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    subject: str
    verdict: Literal["ok", "warn", "bad"]
    found: str
    mend: str = ""


def ok(subject: str, found: str) -> Finding:
    """Return a finding that needs nothing."""
    return Finding(subject=subject, verdict="ok", found=found)


def bad(subject: str, found: str, mend: str) -> Finding:
    """Return a finding that an operator has to mend."""
    return Finding(subject=subject, verdict="bad", found=found, mend=mend)


def warn(subject: str, found: str, mend: str) -> Finding:
    """Return a finding that an operator should know of."""
    return Finding(subject=subject, verdict="warn", found=found, mend=mend)


async def examine(settings: Settings) -> list[Finding]:
    """Look at everything once; never raises for what it finds."""
    findings = [_kernels(), _disk(settings), *_audiences(settings)]
    findings += [finding async for finding in _lake(settings)]
    findings += [finding async for finding in _registry(settings)]
    findings += [finding async for finding in _accounts(settings)]
    return findings


def _kernels() -> Finding:
    if not missing():
        return ok("kernels", "compiled")
    found = f"python: {', '.join(missing())}"
    return warn("kernels", found, "unset TAGLAKE_PURE; install a C compiler, then `make install`")


def _disk(settings: Settings) -> Finding:
    path = _existing(settings.ingest.spool.parent)
    free = shutil.disk_usage(path).free
    found = f"{free / 1e9:.1f} GB free at {path}"
    if free < FREE_BYTES:
        return bad("disk", found, "free some: below 256 MB the ingestor stops fetching")
    return ok("disk", found)


def _audiences(settings: Settings) -> Iterator[Finding]:
    folder = settings.audience.folder
    book = Book(folder)
    for network in book.networks:
        subject = f"audiences {network}"
        try:
            shelf = book.shelf(network)
        except Damaged as error:
            yield bad(
                subject, str(error), "a worker makes it anew from the lake if you move it away"
            )
            continue
        if shelf is not None:
            accounts, edges = len(shelf.store), int(shelf.store.sizes.sum())
            yield ok(subject, f"{edges:,} followers of {accounts:,} accounts")
    above = _existing(folder)
    if not above.is_dir() or not os.access(above, os.W_OK):
        mend = "a worker here cannot write audiences: mount it writable, or set audience.folder"
        yield warn("audiences", f"{folder} cannot be written to", mend)


def _existing(path: Path) -> Path:
    """Return the path, or what exists of the folders above it."""
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path


async def _lake(settings: Settings) -> AsyncIterator[Finding]:
    subject = "lake"
    try:
        async with wiring.open_lake(settings):
            yield ok(subject, settings.lake.url)
    except (TaglakeError, LakeError) as error:
        yield bad(subject, str(error), "is it running, and is lake.url right?")


async def _registry(settings: Settings) -> AsyncIterator[Finding]:
    subject = "registry"
    try:
        async with wiring.open_the_registry(settings) as registry:
            yield ok(subject, settings.registry.url)
            yield _clock("clock", "the registry's", await registry.now())
            if not await registry.clients.list():
                yield warn("clients", "none", 'make one: taglake client add "My brand"')
            for lane in await registry.lanes.list():
                if lane.quarantined_at is not None:
                    yield _quarantined(lane)
            if (link := await registry.audit.check()) is not None:
                yield bad("audit log", f"entry {link} was changed", "compare it with a backup")
    except (TaglakeError, RegistryError) as error:
        yield bad(subject, str(error), "`taglake init` makes the secrets; is registry.url right?")


def _quarantined(lane: Lane) -> Finding:
    return bad(
        f"lane {lane.id}",
        f"in quarantine since {lane.quarantined_at:%F %H:%M}: {lane.quarantine_reason}",
        "log in by hand and renew its secret; it is tried again after 24 h",
    )


async def _accounts(settings: Settings) -> AsyncIterator[Finding]:
    if not settings.accounts:
        yield warn("accounts", "none", "add [[accounts]] to taglake.toml, or use `taglake track`")
    known = wiring.sources()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ASK_SECONDS)) as session:
        for account in settings.accounts:
            subject = f"account {account.name}"
            try:
                lane = wiring.lane_of(account, known)
                wiring.credential_of(settings, account)
            except TaglakeError as error:
                yield bad(subject, str(error), "see taglake.example.toml")
                continue
            yield await _reached(session, subject, lane)


async def _reached(session: aiohttp.ClientSession, subject: str, lane: Lane) -> Finding:
    """Say whether the network's server answers at all, and compare clocks; costs one request."""
    try:
        async with session.get(lane.base_url, allow_redirects=False) as answer:
            date = answer.headers.get("Date")
    except (aiohttp.ClientError, TimeoutError) as error:
        return warn(
            subject, f"{lane.base_url}: {type(error).__name__}", "is the network reachable?"
        )
    if date is not None:
        compared = _clock(subject, "the network's", parsedate_to_datetime(date))
        if compared.verdict != "ok":
            return compared
    return ok(subject, f"{lane.base_url} answers; {lane.limit} requests per {lane.window:g} s")


def _clock(subject: str, whose: str, theirs: datetime) -> Finding:
    apart = (datetime.now(UTC) - theirs).total_seconds()
    found = f"{apart:+.1f} s against {whose}"
    if abs(apart) > CLOCK_SECONDS:
        return bad(subject, found, "set the machine's clock (ntp)")
    return ok(subject, found)
