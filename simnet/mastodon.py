"""Mastodon's API on one instance: hashtag timelines, accounts, followers, tags, and its rate
limit.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from simnet.audiences import Audience, Follower
from simnet.budgets import Budgets
from simnet.faults import HowDead
from simnet.logins import Site, known
from simnet.mastodon_statuses import Document, Statuses
from simnet.people import INSTANCES
from simnet.rhythm import DAY
from simnet.site import Caller, Shelf, Windows
from simnet.texts import fold
from simnet.wire import Ask, Reply, clamped, joined, json_reply, number_of
from simnet.world import Feed, World, moment

Headers = tuple[tuple[str, str], ...]
Answer = Callable[["Mastodon", Ask, str, int], Reply]

_FOLLOWERS_BASE: Final = 7_000_000  # cursors of followers are internal ids, unrelated to accounts


class Mastodon:
    """One instance. Reading needs no token; with one, the account is counted instead of the
    address.
    """

    def __init__(self, world: World, budgets: Budgets, *, logins: int, name: Site) -> None:
        self.name: Site = name
        self._world, self._budgets, self._logins = world, budgets, logins
        self._people = world.people
        self._instance = INSTANCES.index(name)
        self._shelf = Shelf(world, world.views[name])
        self._statuses = Statuses(self._shelf, self._instance)
        self._windows = Windows()
        self._audience = Audience(world.people, "mastodon")
        self._by_id = {
            world.people.mastodon_id(person, self._instance): person
            for person in range(world.people.count)
        }

    def caller(self, ask: Ask) -> Caller:
        """Return the account of the token, or the address."""
        login = known(self.name, ask.bearer, count=self._logins)
        name = login.name if login else f"{self.name}/{ask.remote}"
        return Caller(name=name, login=login, window=self._budgets.mastodon)

    def dead(self, how: HowDead) -> Reply:
        """Return the answer to a token that was revoked."""
        return json_reply({"error": "The access token was revoked"}, status=401)

    def refuse(self, ask: Ask, caller: Caller, now: int) -> Reply | None:
        """Return 429 with the instant of the reset, and no Retry-After, if it is one request
        too many.
        """
        if self._windows.of(caller).grant(now):
            return None
        return json_reply(
            {"error": "Too many requests"}, status=429, headers=self._left(caller, now)
        )

    def _left(self, caller: Caller, now: int) -> Headers:
        """Return what is left of the budget."""
        window = self._windows.of(caller)
        left, reset = window.limit - window.used(now), moment(window.reset(now))
        return (
            ("X-RateLimit-Limit", str(window.limit)),
            ("X-RateLimit-Remaining", str(max(left, 0))),
            ("X-RateLimit-Reset", reset.strftime("%Y-%m-%dT%H:%M:%S.%fZ")),
        )

    def reply(self, ask: Ask, caller: Caller, now: int) -> Reply:
        """Return the answer with what is left of the budget."""
        answer = self._answer(ask, caller, now)
        return msgspec.structs.replace(answer, headers=answer.headers + self._left(caller, now))

    def _answer(self, ask: Ask, caller: Caller, now: int) -> Reply:
        """Return what the path asks for."""
        if ask.bearer is not None and caller.login is None:
            return json_reply({"error": "The access token is invalid"}, status=401)
        for pattern, answer in _ROUTES:
            if found := pattern.match(ask.path):
                return answer(self, ask, found[1] if found.lastindex else "", now)
        return _missing()

    def tag_timeline(self, ask: Ask, name: str, now: int) -> Reply:
        """Return the posts of a hashtag, newest first; a tag nobody used is an empty page."""
        feed = self._shelf.view.tag(fold(name))
        posts = self._page(ask, feed, now, wanted=self._filter(ask, now))
        return self._listed(ask, posts, now)

    def _filter(self, ask: Ask, now: int) -> Callable[[int], bool]:
        """Return the test a post has to pass for `local`, `remote`, `only_media`, `all[]` and
        `none[]`.
        """
        alive, posts = self._shelf.posts.alive(now), self._shelf.posts
        local, remote, media = (
            ask.param(key) == "true" for key in ("local", "remote", "only_media")
        )
        every = {fold(tag) for tag in ask.params("all[]")}
        none = {fold(tag) for tag in ask.params("none[]")}

        def passes(post: int) -> bool:
            at_home = self._people.home[posts.person[post]] == self._instance
            if not alive(post) or (local and not at_home) or (remote and at_home):
                return False
            if media and posts.kind[post] == 3:
                return False
            tags = set(posts.original(post).tags) if every or none else set()
            return every <= tags and not none & tags

        plain = not (local or remote or media or every or none)
        return alive if plain else passes

    def _page(self, ask: Ask, feed: Feed, now: int, *, wanted: Callable[[int], bool]) -> list[int]:
        """Return a page of posts by `max_id`, `since_id`, `min_id` and `limit`, newest first."""
        limit = clamped(ask.param("limit"), default=20, most=min(40, self._budgets.page))
        above = number_of(ask.param("min_id"))
        if above is not None:
            places = feed.oldest(wanted, now=now, limit=limit, above=above)
            return [feed.posts[place] for place in places]
        below, since = number_of(ask.param("max_id")), number_of(ask.param("since_id")) or 0
        places = feed.newest(wanted, now=now, limit=limit, below=below)
        return [feed.posts[place] for place in places if feed.ids[place] > since]

    def _listed(self, ask: Ask, posts: list[int], now: int) -> Reply:
        """Return statuses with their Link; an empty page has none, every other one has."""
        body = joined(self._statuses.write(posts, now))
        if not posts:
            return Reply(body=body)
        number = self._shelf.view.number
        links = {"next": ("max_id", number[posts[-1]]), "prev": ("min_id", number[posts[0]])}
        return Reply(body=body, headers=self._link(ask, links))

    def _link(self, ask: Ask, links: Mapping[str, tuple[str, int]]) -> Headers:
        """Return the Link header: the request's address with another cursor."""
        kept = "".join(
            f"{key}={value}&"
            for key, value in ask.query
            if key not in ("max_id", "since_id", "min_id")
        )
        parts = [
            f'<https://{self.name}{ask.path}?{kept}{key}={value}>; rel="{rel}"'
            for rel, (key, value) in links.items()
        ]
        return (("Link", ", ".join(parts)),)

    def lookup(self, ask: Ask, _: str, now: int) -> Reply:
        """Return an account by its name here, `user` or `user@instance`."""
        handle, _, host = (ask.param("acct") or "").removeprefix("@").partition("@")
        person = self._people.by_handle.get(handle.lower())
        home = INSTANCES[self._people.home[person]] if person is not None else ""
        if person is None or (host or self.name) != home:
            return _missing()
        return Reply(body=self._statuses.account(person, now))

    def account(self, ask: Ask, number: str, now: int) -> Reply:
        """Return an account by its number here."""
        person = self._by_id.get(int(number))
        return _missing() if person is None else Reply(body=self._statuses.account(person, now))

    def account_statuses(self, ask: Ask, number: str, now: int) -> Reply:
        """Return an account's posts and boosts, newest first."""
        person = self._by_id.get(int(number))
        if person is None:
            return _missing()
        feed, alive = self._shelf.view.author(person), self._shelf.posts.alive(now)
        posts = [] if self._people.private[person] else self._page(ask, feed, now, wanted=alive)
        boosts = self._boosts(person, ask, now)
        if not boosts:
            return self._listed(ask, posts, now)
        return self._mixed(ask, person, posts, boosts, now)

    def _boosts(self, person: int, ask: Ask, now: int) -> list[tuple[int, int, int]]:
        """Return an account's boosts up to `now` as (number, post, instant), newest first."""
        if ask.param("exclude_reblogs") == "true":
            return []
        alive, keys = self._shelf.posts.alive(now), self._shelf.posts.key
        below = number_of(ask.param("max_id")) or 1 << 62
        above = max(number_of(ask.param(key)) or 0 for key in ("since_id", "min_id"))
        found = [
            ((at << 16) + keys[post] % 2**16, post, at)
            for at, post in self._world.boosts.get(person, ())
            if at <= now and alive(post)
        ]
        return [one for one in reversed(found) if above < one[0] < below]

    def _mixed(
        self, ask: Ask, person: int, posts: list[int], boosts: list[tuple[int, int, int]], now: int
    ) -> Reply:
        """Return a page of posts and boosts in the order of their numbers."""
        limit, number = (
            clamped(ask.param("limit"), default=20, most=min(40, self._budgets.page)),
            self._shelf.view.number,
        )
        statuses = self._statuses.write(posts, now)
        rows = [(number[post], status) for post, status in zip(posts, statuses, strict=True)]
        rows += [
            (own, msgspec.json.encode(self._boost(person, post, at, now)))
            for own, post, at in boosts[:limit]
        ]
        rows = sorted(rows, reverse=True)[:limit]
        links = {"next": ("max_id", rows[-1][0]), "prev": ("min_id", rows[0][0])}
        return Reply(body=joined(body for _, body in rows), headers=self._link(ask, links))

    def _boost(self, person: int, post: int, at: int, now: int) -> Document:
        """Return a boost with the account that made it and the status it holds."""
        boost = self._statuses.boost(person, post, at, now)
        boost["account"] = msgspec.Raw(self._statuses.account(person, now))
        boost["reblog"] = msgspec.Raw(self._statuses.write([post], now)[0])
        return boost

    def followers(self, ask: Ask, number: str, now: int) -> Reply:
        """Return followers, newest first; the cursor is an internal number that only the Link
        tells.
        """
        person = self._by_id.get(int(number))
        if person is None:
            return _missing()
        limit = clamped(ask.param("limit"), default=40, most=80)
        cursor = number_of(ask.param("max_id"))
        below = None if cursor is None else cursor - _FOLLOWERS_BASE
        page = self._audience_page(person, now=now, limit=limit, below=below)
        body = joined(self._follower(one, now) for _, one in page)
        if not page:
            return Reply(body=body)
        ends = {"next": ("max_id", page[-1][0] + _FOLLOWERS_BASE),
                "prev": ("since_id", page[0][0] + _FOLLOWERS_BASE)}  # fmt: skip
        return Reply(body=body, headers=self._link(ask, ends))

    def _audience_page(
        self, person: int, *, now: int, limit: int, below: int | None
    ) -> list[tuple[int, Follower]]:
        """Return a page of followers: nobody of an account that hides them, and of one at home
        elsewhere only those at home here, who are all that an instance knows.
        """
        if self._people.hides(person):
            return []
        at_home = self._people.home[person] == self._instance
        shown = None if at_home else self._is_ours
        return self._audience.page(person, now=now, limit=limit, below=below, shown=shown)

    def _is_ours(self, one: Follower) -> bool:
        """Return whether a follower is at home here."""
        home = one.home if one.person is None else self._people.home[one.person]
        return bool(home == self._instance)

    def _follower(self, one: Follower, now: int) -> bytes:
        """Return an account in a list of followers."""
        if one.person is not None:
            return self._statuses.account(one.person, now)
        account, handle, home = one.number, one.handle, INSTANCES[one.home]
        acct = handle if home == self.name else f"{handle}@{home}"
        return msgspec.json.encode(
            {"id": str(account), "username": handle, "acct": acct, "display_name": handle,
             "locked": False, "bot": False, "note": "", "url": f"https://{home}/@{handle}",
             "uri": f"https://{home}/users/{handle}",
             "followers_count": account % 90, "following_count": account % 300,
             "statuses_count": account % 700, "emojis": [], "fields": []}
        )  # fmt: skip

    def status(self, ask: Ask, number: str, now: int) -> Reply:
        """Return one status, 404 before it came and once it is deleted."""
        if (post := self._shelf.standing(int(number), now)) is None:
            return _missing()
        return Reply(body=self._statuses.write([post], now)[0])

    def tag(self, ask: Ask, name: str, now: int) -> Reply:
        """Return a hashtag with its last seven days; all numbers are strings."""
        tag = fold(name)
        feed = self._shelf.view.tag(tag)
        today = now - now % DAY
        history = [self._day(feed, today - back * DAY, now) for back in range(7)]
        url = f"https://{self.name}/tags/{tag}"
        return json_reply({"name": tag, "url": url, "history": history, "following": False})

    def _day(self, feed: Feed, begin: int, now: int) -> dict[str, str]:
        """Return how often a hashtag was used on one day, and by how many accounts."""
        until = min(begin + DAY, now + 1)
        used = [
            post for post, seen in zip(feed.posts, feed.seen, strict=True) if begin <= seen < until
        ]
        accounts = {self._shelf.posts.person[post] for post in used}
        return {"day": str(begin // 1_000), "accounts": str(len(accounts)), "uses": str(len(used))}

    def instance(self, ask: Ask, _: str, now: int) -> Reply:
        """Return what the instance says of itself."""
        answer: dict[str, Any] = {
            "domain": self.name,
            "title": self.name.split(".")[0].capitalize(),
            "version": "4.5.2",
            "source_url": "https://github.com/mastodon/mastodon",
            "description": "A simulated instance",
            "usage": {"users": {"active_month": int((self._people.home == self._instance).sum())}},
            "languages": ["en"],
            "configuration": {
                "timelines_access": {"hashtag_feeds": {"local": "public", "remote": "public"}}
            },
            "api_versions": {"mastodon": 7},
            "registrations": {"enabled": False},
            "rules": [],
        }
        return json_reply(answer)


def _missing() -> Reply:
    """Return Mastodon's 404."""
    return json_reply({"error": "Record not found"}, status=404)


_ROUTES: Final[tuple[tuple[re.Pattern[str], Answer], ...]] = (
    (re.compile(r"^/api/v1/timelines/tag/([^/]+)$"), Mastodon.tag_timeline),
    (re.compile(r"^/api/v1/accounts/lookup$"), Mastodon.lookup),
    (re.compile(r"^/api/v1/accounts/(\d+)$"), Mastodon.account),
    (re.compile(r"^/api/v1/accounts/(\d+)/statuses$"), Mastodon.account_statuses),
    (re.compile(r"^/api/v1/accounts/(\d+)/followers$"), Mastodon.followers),
    (re.compile(r"^/api/v1/statuses/(\d+)$"), Mastodon.status),
    (re.compile(r"^/api/v1/tags/([^/]+)$"), Mastodon.tag),
    (re.compile(r"^/api/v[12]/instance$"), Mastodon.instance),
)
