"""A fake network with a wire format of its own, its source, and an ingestor on a stepped clock."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from aiohttp import web

from ingestor.clock import SteppedClock
from ingestor.contract import (
    Allowance,
    Answer,
    Credential,
    Fault,
    Fetch,
    Page,
    Request,
    Seen,
    Target,
    TargetKind,
)
from ingestor.errors import BadAnswer, Down, Gone, RateLimited, Refused
from ingestor.ingest import Ingestor, Options
from ingestor.retry_after import retry_after
from ingestor.spool import Spool
from lake.contract import STORED
from lake.lines import record_of
from lake.records import Gap, Poll, Post, PostCounts, Profile, ProfileCounts, Record, Snapshot
from registry import Registry
from registry.models import CampaignDraft, Lane

START = datetime(2026, 1, 1, tzinfo=UTC)


class Village:
    """The fake network: posts by tag, newest first, and whatever misbehaviour a test wants."""

    def __init__(self) -> None:
        self.posts: dict[str, list[dict[str, object]]] = {}
        self.page = 5
        self.asked: list[str] = []
        self.misbehave: Callable[[web.Request], Awaitable[web.StreamResponse | None]] | None = None
        self.url = ""

    def publish(self, tag: str, number: int, at: datetime, **more: object) -> dict[str, object]:
        post = {"id": number, "at": at.timestamp(), "likes": 0, "text": f"post {number}"} | more
        self.posts.setdefault(tag, []).insert(0, post)
        return post

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        if self.misbehave is not None and (wrong := await self.misbehave(request)) is not None:
            return wrong
        posts = self.posts.get(request.match_info["tag"], [])
        start = int(request.query.get("from", 0))
        more = start + self.page < len(posts)
        body = {"posts": posts[start : start + self.page]}
        return web.json_response(body | ({"next": str(start + self.page)} if more else {}))

    async def answer_post(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        number = int(request.match_info["id"])
        found = [post for posts in self.posts.values() for post in posts if post["id"] == number]
        return web.json_response({"posts": found[:1]}, status=200 if found else 404)

    def routes(self, app: web.Application) -> None:
        app.router.add_get("/tag/{tag}", self.answer)
        app.router.add_get("/post/{id}", self.answer_post)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        app = web.Application()
        self.routes(app)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0]
        self.url = f"http://{host}:{port}"
        try:
            yield
        finally:
            await runner.cleanup()


class VillageSource:
    """The source of the fake network: all a third party would write."""

    name = "village"
    network = "mastodon"  # a network the registry knows
    version = 1
    kinds: tuple[TargetKind, ...] = ("tag", "post")
    window = (300, 300.0)
    slots = None
    page_size = 5

    def __init__(self) -> None:
        self.parsed = 0

    async def poll(
        self, fetch: Fetch, target: Target, credential: Credential, seen: Seen, cursor: str | None
    ) -> AsyncIterator[Page]:
        while True:
            params = () if cursor is None else (("from", cursor),)
            answer = await fetch(Request(path=f"/{target.kind}/{target.name}", params=params))
            page = self.parse(answer.body, seen)
            yield page
            if page.cursor is None or page.cursor == cursor:
                return
            cursor = page.cursor

    def judge(self, answer: Answer, now: datetime) -> None:
        if answer.status == 429:
            seconds = retry_after(answer.headers.get("retry-after"), now)
            raise RateLimited("slow down", seconds=seconds, code="429")
        if answer.status in (301, 302, 401, 403):
            raise Refused("login required", code=str(answer.status))
        if answer.status == 404:
            raise Gone("no such tag", code="404")
        if answer.status >= 500:
            raise Down("server error", code=str(answer.status))
        if answer.body[:1] != b"{":
            raise BadAnswer("not JSON", code="html")

    def allowance(self, answer: Answer, now: datetime) -> Allowance:
        left = answer.headers.get("x-left")
        return Allowance(remaining=None if left is None else int(left), reset=60.0)

    def parse(self, body: bytes, seen: Seen) -> Page:
        self.parsed += 1
        try:
            root = json.loads(body)
        except ValueError:
            return Page(error=Fault(kind="unknown", reason="broken JSON"))
        good, aside = [], []
        for number, node in enumerate(root["posts"]):
            if isinstance(node.get("id"), int):
                good.append(_post(node, seen))
            else:
                aside.append(
                    Fault(kind="unknown", reason="id is no number", where=f"posts.{number}")
                )
        return Page(posts=tuple(good), aside=tuple(aside), cursor=root.get("next"))


def _post(node: dict[str, object], seen: Seen) -> Post:
    return make_post(
        int(node["id"]),  # type: ignore[call-overload] # checked by the caller
        at=seen.observed_at,
        likes=node["likes"],
        text=node["text"],
        raw=msgspec.Raw(json.dumps(node).encode()),
        created_at=datetime.fromtimestamp(node["at"], UTC),  # type: ignore[arg-type] # a number
    )


def make_post(number: int, *, at: datetime = START, likes: int | None = 0, **more: object) -> Post:
    return Post(
        id=f"mastodon:{number}",
        network="mastodon",
        observed_at=at,
        native_id=str(number),
        kind="text",
        counts=PostCounts(likes=likes),
        source="village",
        parser_version=1,
        **more,  # type: ignore[arg-type] # what a test sets
    )


def make_profile(number: int, *, followers: int | None, at: datetime = START) -> Profile:
    return Profile(
        id=f"mastodon:@{number}",
        network="mastodon",
        observed_at=at,
        native_id=str(number),
        handle=f"user{number}",
        counts=ProfileCounts(followers=followers),
        source="village",
        parser_version=1,
    )


class Bench:
    """An ingestor between a village and an empty lake, on a clock that a test moves."""

    def __init__(
        self, village: Village, registry: Registry, clock: SteppedClock, path: Path
    ) -> None:
        self.village = village
        self.registry = registry
        self.clock = clock
        self.path = path
        self.source = VillageSource()
        self.records: list[Record] = []
        self.strangers: set[str] = set()  # accounts that this process has no credential for
        self.options = Options(
            seed=1, lease=600.0, refresh=600.0, replan=600.0, revisit=300.0, report=3600.0
        )

    def credential(self, lane: Lane) -> Credential:
        if lane.account in self.strangers:
            raise LookupError(lane.account)
        return Credential(account=lane.account)

    def lane(self, name: str = "a", *, limit: int = 300, window: float = 300.0) -> Lane:
        return Lane(
            id=f"village/{name}", source="village", network="mastodon", account=name,
            base_url=self.village.url, limit=limit, window=window,
        )  # fmt: skip

    async def track(self, *tags: str, lanes: tuple[Lane, ...] = ()) -> None:
        await self.registry.lanes.upsert(lanes or (self.lane(),))
        client = await self.registry.clients.create("test", max_targets=1000)
        draft = CampaignDraft(
            name="campaign", networks=("mastodon",), hashtags=tags,
            start=START + timedelta(days=7), end=START + timedelta(days=21),
        )  # fmt: skip
        await self.registry.campaigns.create(client.id, draft)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Ingestor]:
        """Run an ingestor; what it spools is in `records` when this ends."""
        spool = Spool(self.path / "spool.db", clock=self.clock)
        await spool.open()
        ingestor = Ingestor(
            self.registry, spool, sources={"village": self.source},
            credentials=self.credential,
            clock=self.clock, options=self.options,
        )  # fmt: skip
        stop = asyncio.Event()
        task = asyncio.create_task(ingestor.run(stop))
        await asyncio.sleep(0)
        try:
            yield ingestor
        finally:
            stop.set()
            await task
            self.records += await drained(spool)
            await spool.close()

    async def play(self, hours: float) -> Ingestor:
        """Run an ingestor for so many hours of virtual time."""
        async with self.running() as ingestor:
            await self.clock.play(self.clock.now() + timedelta(hours=hours), ingestor.idle)
        return ingestor

    def posts(self) -> list[Post]:
        return [one for one in self.records if isinstance(one, Post)]

    def snapshots(self) -> list[Snapshot]:
        return [one for one in self.records if isinstance(one, Snapshot)]

    def gaps(self) -> list[Gap]:
        return [one for one in self.records if isinstance(one, Gap)]

    def polls(self) -> dict[str, Poll]:
        return {one.id: one for one in self.records if isinstance(one, Poll)}


async def drained(spool: Spool) -> list[Record]:
    """Return all that waits in a spool, and let it go."""
    records: list[Record] = []
    while taken := await spool.take(max_bytes=1 << 20, max_lines=1000):
        records += [record_of(line.table, line.body) for _, line in taken]
        await spool.settle([(number, STORED) for number, _ in taken])
    return records
