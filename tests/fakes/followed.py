"""A village whose accounts have followers, in lists of pages, and what can go wrong with them."""

import json
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

from aiohttp import web

from fakes.village import Bench, Village, VillageSource
from ingestor.clock import SteppedClock
from ingestor.contract import Answer, Credential, Fetch, Page, Request, Seen, Target, TargetKind
from ingestor.errors import BadRequest
from ingestor.ingest import Options
from ingestor.sources.paging import walk
from lake.records import Audience, Follow, Profile, ProfileCounts
from registry import Registry
from registry.models import Lane

PAGE = 5


def people(count: int) -> list[str]:
    """Return followers, the newest first."""
    return [f"fan{number:03}" for number in reversed(range(count))]


class Followed(Village):
    """Followers by account, the newest first; `stated` is what an account says if it lies."""

    def __init__(self) -> None:
        super().__init__()
        self.followers: dict[str, list[str]] = {}
        self.stated: dict[str, int | None] = {}
        self.hidden: set[str] = set()
        self.epoch = 0  # raising it ends all cursors

    def routes(self, app: web.Application) -> None:
        super().routes(app)
        app.router.add_get("/account/{name}", self.answer_account)
        app.router.add_get("/followers/{name}", self.answer_followers)

    async def answer_account(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        if self.misbehave is not None and (wrong := await self.misbehave(request)) is not None:
            return wrong
        name = request.match_info["name"]
        if name not in self.followers:
            return web.json_response({}, status=404)
        stated = self.stated.get(name, len(self.followers[name]))
        return web.json_response({"account": name, "stated": stated})

    async def answer_followers(self, request: web.Request) -> web.StreamResponse:
        """Answer with up to five; the cursor names who came last, and the list's epoch."""
        self.asked.append(request.path_qs)
        if self.misbehave is not None and (wrong := await self.misbehave(request)) is not None:
            return wrong
        name = request.match_info["name"]
        if name not in self.followers:
            return web.json_response({}, status=404)
        people = [] if name in self.hidden else self.followers[name]
        epoch, _, last = request.query.get("behind", "").partition("-")
        if last and epoch != str(self.epoch):
            return web.json_response({}, status=400)
        start = people.index(last) + 1 if last else 0
        page = people[start : start + PAGE]
        # As on real networks: a full page has a cursor even if it is the last.
        more = {"next": f"{self.epoch}-{page[-1]}"} if len(page) == PAGE else {}
        return web.json_response({"account": name, "followers": page, **more})


class FollowedSource(VillageSource):
    """The source of a village with followers."""

    kinds: tuple[TargetKind, ...] = ("tag", "post", "followers")
    followers_page = PAGE

    def judge(self, answer: Answer, now: datetime) -> None:
        if answer.status == 400:
            raise BadRequest("an old cursor", code="400")
        super().judge(answer, now)

    def poll(
        self, fetch: Fetch, target: Target, credential: Credential, seen: Seen, cursor: str | None
    ) -> AsyncIterator[Page]:
        if target.kind != "followers":
            return super().poll(fetch, target, credential, seen, cursor)
        name = target.name.partition("@")[0]

        async def ask(cursor: str | None) -> Page:
            own: tuple[Profile, ...] = ()
            if cursor is None:
                answer = await fetch(Request(path=f"/account/{name}"))
                own = (_profile(json.loads(answer.body), seen),)
            params = () if cursor is None else (("behind", cursor),)
            answer = await fetch(Request(path=f"/followers/{name}", params=params))
            root = json.loads(answer.body)
            follows = tuple(_follow(one, root["account"], seen) for one in root["followers"])
            return Page(profiles=own, follows=follows, cursor=root.get("next"))

        return walk(ask, cursor)


def _profile(root: dict[str, object], seen: Seen) -> Profile:
    name, stated = root["account"], root["stated"]
    return Profile(
        id=f"mastodon:@{name}", network="mastodon", observed_at=seen.observed_at,
        native_id=str(name), handle=str(name), bio=f"{name} runs",
        counts=ProfileCounts(followers=stated),  # type: ignore[arg-type] # a number or none
        source="village", parser_version=1,
    )  # fmt: skip


def _follow(follower: str, account: str, seen: Seen) -> Follow:
    return Follow(
        id=f"mastodon:@{follower}>@{account}", network="mastodon", observed_at=seen.observed_at,
        account_id=f"mastodon:@{account}", follower_id=f"mastodon:@{follower}",
        source="village", parser_version=1,
    )  # fmt: skip


class FollowedBench(Bench):
    """A bench whose village has followers."""

    village: Followed

    def __init__(
        self, village: Followed, registry: Registry, clock: SteppedClock, path: Path
    ) -> None:
        super().__init__(village, registry, clock, path)
        self.source = FollowedSource()
        # Nothing happens for weeks but what a test is about.
        slow = dict.fromkeys(("refresh", "replan", "revisit", "report"), 86_400.0)
        self.options = Options(seed=1, lease=90 * 86_400.0, **slow)

    def set(self, **options: float) -> None:
        """Change some options."""
        known = {name: getattr(self.options, name) for name in Options.__struct_fields__}
        self.options = Options(**known | options)

    async def collect(
        self, *names: str, every_days: int | None = 30, lanes: tuple[Lane, ...] = ()
    ) -> None:
        """Want the followers of some accounts read."""
        await self.registry.lanes.upsert(lanes or (self.lane(),))
        for name in names:
            await self.registry.audiences.add(
                "mastodon", name, host="village.example", every_days=every_days
            )

    def pages(self) -> list[str]:
        """Return what was asked of lists of followers."""
        return [path for path in self.village.asked if path.startswith("/followers/")]

    def follows(self) -> list[Follow]:
        return [one for one in self.records if isinstance(one, Follow)]

    def followers(self, name: str) -> list[str]:
        """Return who was seen following an account, as often as it was."""
        account = f"mastodon:@{name}"
        return [one.follower_id[10:] for one in self.follows() if one.account_id == account]

    def audiences(self, name: str) -> list[Audience]:
        """Return all that was written of how far an account's followers are read."""
        account = f"mastodon:@{name}"
        return [one for one in self.records if isinstance(one, Audience) and one.id == account]

    def audience(self, name: str) -> Audience:
        """Return how far an account's followers are read, as a lake would."""
        return max(self.audiences(name), key=lambda one: one.observed_at)
