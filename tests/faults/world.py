"""A world in which things fail: a network, an ingestor as it ships, a lake, and proxies between.

    async with faulty(folder, StandinLake(), seed=7) as world:
        await world.start()
        ...                        # world.net.fault, world.way.fault, world.kill()
        verdict = await world.settle()

Everything runs in processes of its own but the proxies, which run in the event loop of the test:
what blocks that loop blocks the wires.
"""

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from faults import ledger
from faults.forms import form
from faults.lakes import JudgedLake, _answering, ours
from faults.ledger import Findings
from faults.network import SITE, Served
from faults.proxy import CLEAN, Proxy
from lake.killpoint import VARIABLE
from registry import open_registry
from registry.models import CampaignDraft, Lane
from servers.processes import TAGLAKE, free_port, started

PEPPER = "a pepper for fault runs only, long enough"
FRESH_SECONDS = 10.0
DUE_SECONDS = 66.0  # no target is asked more often than once a minute: after a burst all rest
PROBE_SECONDS = 33.0  # a breaker opened by the network's failures lets one poll through in so many
TERM_SECONDS = 25.0

SETTINGS = """\
[lake]
url = "{lake}"
prefix = "{prefix}"

[registry]
url = "sqlite:///{folder}/registry.db"

[ingest]
spool = "{folder}/spool.db"
spool_megabytes = {megabytes}
concurrency = 8
refresh = 1
grace = {grace}

[log]
format = "json"

[[accounts]]
source = "mastodon"
name = "a"
base_url = "{network}"
limit = {limit}
window = {window}
"""


class Verdict(msgspec.Struct, frozen=True):
    """What a run came to after its faults had stopped."""

    findings: Findings
    fresh_seconds: float  # from the end of the faults to a post made after it
    drain_seconds: float  # until every page from before had left the spool
    stop_seconds: float  # from SIGTERM to the end
    exit_code: int
    served_pages: int
    shown: int
    refetched: float  # pages asked for, by page that was needed
    overspent: tuple[str, ...]
    network_failed: bool  # so polls may have been held back when the faults stopped

    @property
    def good(self) -> bool:
        """Return whether all of it is as it must be."""
        due = DUE_SECONDS + (PROBE_SECONDS if self.network_failed else 0.0)
        late = self.fresh_seconds > due + FRESH_SECONDS
        return self.findings.clean and not late and self.exit_code == 0 and not self.overspent


class World:
    """One ingestor between a network and a lake. Made by `faulty`."""

    def __init__(
        self, folder: Path, lake: JudgedLake, *, seed: int, settings: dict[str, Any]
    ) -> None:
        self.folder, self.lake, self.seed = folder, lake, seed
        self.rng = random.Random(seed)
        self.spool = folder / "spool.db"
        self.out = folder / "ingest.out"
        self.net: Proxy  # between the ingestor and the network
        self.way: Proxy  # between the ingestor and the lake
        self.process: subprocess.Popen[bytes] | None = None
        self.starts = self.kills = 0
        self._settings = settings
        self._stack = ExitStack()
        self._said = 0  # where the words of the running process begin
        self._session: aiohttp.ClientSession
        self._network = ""

    # --- making and ending it

    async def open(self, stack: AsyncExitStack) -> None:
        """Start everything but the ingestor, and register a campaign that watches all tags."""
        given = self._settings
        stack.enter_context(self._stack)
        self._session = await stack.enter_async_context(aiohttp.ClientSession())
        port = free_port()
        command = [TAGLAKE[0], "-m", "faults.network", "--port", port, "--seed", self.seed,
                   "--tags", given["tags"], "--per-second", given["per_second"],
                   "--limit", given["limit"], "--window", given["window"]]  # fmt: skip
        words = [str(word) for word in command]
        self._stack.enter_context(started(*words, out=self.folder / "network.out", env=ours()))
        self._network = f"http://127.0.0.1:{port}"
        await self.lake.open(self.folder, self._session, self._stack)
        await _answering(self._session, f"{self._network}/__judge")
        rng = random.Random(self.rng.random())
        self.net = await stack.enter_async_context(Proxy(("127.0.0.1", port), rng))
        self.way = await stack.enter_async_context(Proxy(self.lake.address, rng))
        ledger.watch(self.spool, cap_bytes=given["megabytes"] << 20)
        self._write_settings()
        await self._register()

    def _write_settings(self) -> None:
        text = SETTINGS.format(
            lake=self.way.url, prefix=self.lake.prefix, folder=self.folder,
            network=f"{self.net.url}/{SITE}", **self._settings,
        )  # fmt: skip
        (self.folder / "taglake.toml").write_text(text)

    async def _register(self) -> None:
        given = self._settings
        lane = Lane(
            id="mastodon/a", source="mastodon", network="mastodon", account="a",
            base_url=f"{self.net.url}/{SITE}", limit=given["limit"], window=given["window"],
        )  # fmt: skip
        now = datetime.now(UTC)
        url = f"sqlite:///{self.folder}/registry.db"
        async with await open_registry(url, pepper=PEPPER) as registry:
            await registry.lanes.upsert([lane])
            client = await registry.clients.create("faults", max_targets=1000)
            draft = CampaignDraft(
                name="faults", networks=("mastodon",),
                hashtags=tuple(f"tag{n}" for n in range(given["tags"])),
                start=now, end=now + timedelta(days=7), baseline_days=1, after_days=1,
            )  # fmt: skip
            await registry.campaigns.create(client.id, draft)

    # --- the ingestor

    async def start(self, *, kill_at: str | None = None) -> None:
        """Start the ingestor; with `kill_at` ("after_spool:3") it dies there by itself."""
        assert self.process is None or self.process.poll() is not None, "one at a time"
        self._free_lanes()
        self.starts += 1
        self._said = self.out.stat().st_size if self.out.exists() else 0
        env = ours() | {"TAGLAKE_PEPPER": PEPPER}
        if kill_at is not None:
            env[VARIABLE] = kill_at
        command = [*TAGLAKE, "--config", self.folder / "taglake.toml", "ingest"]
        self.process = self._stack.enter_context(started(*command, out=self.out, env=env))

    def _free_lanes(self) -> None:
        """End the lease of a dead process now; a fleet would wait for it, for a minute."""
        with closing(sqlite3.connect(self.folder / "registry.db", timeout=10)) as db:
            db.execute("UPDATE lanes SET lease_owner = NULL, lease_until = NULL")
            db.commit()

    async def working(self, *, seconds: float = 30.0) -> None:
        """Return when the running process polls."""
        await self.until(
            lambda: "lane claimed" in self.said() or None, "a lane is claimed", seconds
        )

    def said(self) -> str:
        """Return what the running process has said so far."""
        if not self.out.exists():
            return ""
        with self.out.open("rb") as file:
            file.seek(self._said)
            return file.read().decode("utf-8", "replace")

    async def kill(self) -> None:
        """End the ingestor at once, as a power cut or the kernel would, and reap it."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.kills += 1
        await self.ended(seconds=10)

    async def ended(self, *, seconds: float) -> int:
        """Return the exit code of a process that ends by itself."""
        process = self.process
        assert process is not None
        await self.until(lambda: None if process.poll() is None else True, "it ends", seconds)
        return int(process.returncode)

    def threads(self) -> int:
        """Return how many threads the ingestor has."""
        assert self.process is not None
        return len(os.listdir(f"/proc/{self.process.pid}/task"))

    async def stop(self, *, seconds: float = TERM_SECONDS) -> tuple[int, float]:
        """Ask the ingestor to end as a supervisor does; return its exit code and the seconds."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        begun = time.monotonic()
        code = await self.ended(seconds=seconds)
        return code, time.monotonic() - begun

    async def restarted(self) -> None:
        """Start the ingestor as a supervisor does: until it works, whatever it met at first."""
        for _ in range(20):
            if self.process is None or self.process.poll() is not None:
                await self.start()
            await self.until(self._works_or_ended, "it starts", 30.0)
            if self.process is not None and self.process.poll() is None:
                return
            await asyncio.sleep(0.5)
        raise AssertionError(f"it does not start: {self.said()[-2000:]}")

    def _works_or_ended(self) -> bool | None:
        assert self.process is not None
        return True if self.process.poll() is not None or "lane claimed" in self.said() else None

    # --- the figures of the running process

    def memory(self) -> int:
        """Return the bytes of memory the ingestor holds (RSS)."""
        assert self.process is not None
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def open_files(self) -> int:
        """Return how many files and sockets the ingestor has open."""
        assert self.process is not None
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def sockets_open(self) -> int:
        """Return how many connections the ingestor has open."""
        assert self.process is not None
        folder = Path(f"/proc/{self.process.pid}/fd")
        links = []
        for entry in folder.iterdir():
            try:
                links.append(os.readlink(entry))
            except OSError:
                continue  # closed meanwhile
        return sum(link.startswith("socket:") for link in links)

    def mark(self) -> int:
        """Return the number of the last page that became durable."""
        return ledger.mark(self.spool)

    def backlog(self) -> int:
        """Return how many pages wait in the spool."""
        return ledger.backlog(self.spool)

    # --- what became of it

    async def served(self) -> Served:
        """Return all that the network served so far."""
        async with self._session.get(f"{self._network}/__served") as answer:
            return msgspec.json.decode(await answer.read(), type=Served)

    async def judged(self) -> dict[str, Any]:
        """Return the provider's own count of requests."""
        async with self._session.get(f"{self._network}/__judge") as answer:
            found: dict[str, Any] = await answer.json()
            return found

    async def fresh(self, since: datetime, *, seconds: float = 120.0) -> float:
        """Return how long it takes until the lake shows a post made after `since`."""
        while await self.lake.newest() < since:
            assert (datetime.now(UTC) - since).total_seconds() < seconds, self.trouble(
                "no new post"
            )
            await asyncio.sleep(0.1)
        return (datetime.now(UTC) - since).total_seconds()

    async def drained(self, mark: int, *, seconds: float = 90.0) -> float:
        """Return how long it takes until all pages up to `mark` have left the spool."""
        begun = time.monotonic()
        while (first := await asyncio.to_thread(ledger.oldest, self.spool)) is not None:
            if first > mark:
                break
            assert time.monotonic() - begun < seconds, self.trouble("the spool does not drain")
            await asyncio.sleep(0.1)
        return time.monotonic() - begun

    async def settle(self, *, patience: float = 120.0) -> Verdict:
        """End all faults, let the ingestor finish its work, stop it, and judge what is there."""
        self.net.fault = self.way.fault = CLEAN
        await self.net.listen()
        await self.way.listen()
        failed = "poll failed" in self.said()
        await self.restarted()
        since, mark = datetime.now(UTC), await asyncio.to_thread(ledger.mark, self.spool)
        fresh = await self.fresh(since, seconds=patience)
        drained = await self.drained(mark, seconds=patience)
        await self._caught_up(patience)
        code, seconds = await self.stop()
        served = await self.served()
        documents = await self.lake.documents()
        findings, refetched = await asyncio.to_thread(self._judge, documents, served)
        report = await self.judged()
        return Verdict(
            findings=findings, fresh_seconds=fresh, drain_seconds=drained, stop_seconds=seconds,
            exit_code=code, served_pages=served.pages, shown=served.shown, refetched=refetched,
            overspent=tuple(report["overspent"]), network_failed=failed,
        )  # fmt: skip

    def _judge(self, documents: list[Any], served: Served) -> tuple[Findings, float]:
        kept = ledger.read(self.spool)
        prefix, poison = self.lake.prefix, self.lake.poison
        findings = ledger.judge([kept], documents, served, prefix=prefix, poison=poison)
        wasted, pages = ledger.wasted(kept, served)
        return findings, pages / max(1, pages - wasted)

    async def _caught_up(self, seconds: float) -> None:
        """Return when posts that were served and not kept have been served again, or give up."""
        until = time.monotonic() + seconds
        asked = await self.served()
        while time.monotonic() < until:
            there = await self.lake.posts()
            if all(key in there for key in asked.posts if not self._refused(key)):
                return
            await asyncio.sleep(1.0)

    def _refused(self, key: str) -> bool:
        return ledger.poisoned(key, self.lake.poison)

    def trouble(self, what: str) -> str:
        """Return a message for an assertion: what, the seed, and the last words of the ingestor."""
        return f"{what}; seed {self.seed}; {self.said()[-3000:]}"

    async def until(self, ask: Any, what: str, seconds: float) -> None:
        """Return when `ask` returns something; fail after `seconds`."""
        end = time.monotonic() + seconds
        while ask() is None:
            assert time.monotonic() < end, self.trouble(f"{what}: not within {seconds} s")
            await asyncio.sleep(0.02)


@asynccontextmanager
async def faulty(
    folder: Path,
    lake: JudgedLake,
    *,
    seed: int,
    tags: int = form(100, 200),
    per_second: float = 6.0,
    limit: int = 1000,
    window: float = 5.0,
    megabytes: int = 1024,
    grace: float = 15.0,
) -> AsyncIterator[World]:
    """Make a world and end all of its processes afterwards.

    tags: how many are watched, each once a minute; per_second: posts that all of them get; limit,
    window: the budget of the one account, which the network enforces; grace: of a stop.
    """
    settings = {"tags": tags, "per_second": per_second, "limit": limit, "window": window,
                "megabytes": megabytes, "grace": grace}  # fmt: skip
    world = World(folder, lake, seed=seed, settings=settings)
    print(f"seed {seed}")
    async with AsyncExitStack() as stack:
        await world.open(stack)
        yield world
