"""Instagram's Graph API: hashtag search with its slots, media of a hashtag, business discovery,
usage headers.
"""

import base64
import re
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from simnet.budgets import Budgets, Slots, Window
from simnet.chance import number
from simnet.faults import HowDead
from simnet.ids import hashtag_id, short_code
from simnet.instagram_nodes import CDN, Document
from simnet.judge import Judge
from simnet.logins import known
from simnet.rhythm import DAY
from simnet.site import Caller, Shelf, Windows
from simnet.texts import fold
from simnet.wire import (
    Ask,
    Hole,
    Reply,
    Template,
    clamped,
    hole,
    joined,
    json_reply,
    number_of,
    rows,
)
from simnet.world import World

_MEDIA_TYPES: Final = ("IMAGE", "VIDEO", "CAROUSEL_ALBUM")
_VERSION: Final = re.compile(r"^/v\d+\.\d+(?=/)")
_EDGE: Final = re.compile(r"^/(\d+)/(recent_media|top_media|recently_searched_hashtags)/?$")
_NODE: Final = re.compile(r"^/(\d+)/?$")
_DISCOVERY: Final = re.compile(r"business_discovery\.username\(([\w.]+)\)\{(.*)\}", re.DOTALL)
_MEDIA: Final = re.compile(r"media((?:\.\w+\([^)]*\))*)\{([^}]*)\}")
_ARGUMENT: Final = re.compile(r"\.(\w+)\(([^)]*)\)")
_TEMPLATES: Final = 40_000
_SILENT: Final = ("id",)  # what an edge tells without `fields`


class InstagramGraph:
    """The official API. One app; every account has a budget, and the app one over all of them."""

    name: Final = "graph.example"

    def __init__(self, world: World, budgets: Budgets, *, logins: int, judge: Judge) -> None:
        self._world, self._budgets, self._logins, self._judge = world, budgets, logins, judge
        self._people = world.people
        self._shelf = Shelf(world, world.views["instagram"])
        self._windows = Windows()
        limit, seconds = budgets.graph_user
        self._app = Window(*(budgets.graph_app or (limit * logins, seconds)))
        self._slots: dict[str, Slots] = {}
        self._names: dict[str, str] = {}  # hashtag ids somebody may know, to names
        self._templates: dict[tuple[int, bool, str], Template] = {}

    def caller(self, ask: Ask) -> Caller:
        """Return whose token it is."""
        login = known(self.name, ask.param("access_token") or ask.bearer, count=self._logins)
        name = login.name if login else f"{self.name}/unknown"
        return Caller(name=name, login=login, window=self._budgets.graph_user)

    def dead(self, how: HowDead) -> Reply:
        """Return the answer to a token that is no more; a checkpoint shows here as one, too."""
        return _error(190, "Error validating access token: the session was invalidated", subcode=460
                      if how == "checkpoint" else 463)  # fmt: skip

    def refuse(self, ask: Ask, caller: Caller, now: int) -> Reply | None:
        """Return code 4 if the app is out of calls, code 17 if the user is."""
        if caller.login is None:
            return None
        window = self._windows.of(caller)
        headers = self._usage(caller, now)
        if self._app.used(now) >= self._app.limit:
            return _error(4, "(#4) Application request limit reached", headers=headers)
        if not window.grant(now):
            return _error(17, "(#17) User request limit reached", subcode=2446079, headers=headers)
        self._app.grant(now)
        return None

    def _usage(self, caller: Caller, now: int) -> tuple[tuple[str, str], ...]:
        """Return what is used, in percent, and the minutes to wait if it is all."""
        window = self._windows.of(caller)
        app, user = _percent(self._app, now), _percent(window, now)
        wait = -(-(window.reset(now) - now) // 60_000) if user >= 100 else 0
        case = {"type": "instagram", "call_count": user, "total_cputime": user // 2,
                "total_time": user // 2, "estimated_time_to_regain_access": wait}  # fmt: skip
        of_app = {"call_count": app, "total_cputime": app // 2, "total_time": app // 2}
        of_user = {caller.login.user if caller.login else "0": [case]}
        return (
            ("X-App-Usage", msgspec.json.encode(of_app).decode()),
            ("X-Business-Use-Case-Usage", msgspec.json.encode(of_user).decode()),
        )

    def reply(self, ask: Ask, caller: Caller, now: int) -> Reply:
        """Return the answer with the usage headers, which errors bear as well."""
        if caller.login is None:
            return _error(190, "Invalid OAuth access token - Cannot parse access token")
        answer = self._answer(ask, caller, now)
        return msgspec.structs.replace(answer, headers=self._usage(caller, now) + answer.headers)

    def _answer(self, ask: Ask, caller: Caller, now: int) -> Reply:
        """Return what the path asks for."""
        path = _VERSION.sub("", ask.path)
        if path.rstrip("/") == "/ig_hashtag_search":
            return self._search(ask, caller, now)
        if found := _EDGE.match(path):
            if found[2] == "recently_searched_hashtags":
                return self._searched(caller, now)
            return self._tagged(ask, caller, found[1], now, top=found[2] == "top_media")
        if found := _NODE.match(path):
            return self._discovery(ask, found[1], now)
        return _error(100, f"Unsupported get request. Object with ID '{path[1:20]}' does not exist")

    def _search(self, ask: Ask, caller: Caller, now: int) -> Reply:
        """Return the id of a hashtag; it is the same for every asker and for ever."""
        tag = fold(ask.param("q") or "")
        if not tag:
            return _error(100, "(#100) The parameter q is required")
        if not self._shelf.view.tag(tag).ids:
            return _error(24, "The requested resource does not exist", subcode=2207024)
        if (refusal := self._slot(caller, tag, now)) is not None:
            return refusal
        tag_id = hashtag_id(number("hashtag", tag))
        self._names[tag_id] = tag
        return json_reply({"data": [{"id": tag_id}]})

    def _slot(self, caller: Caller, tag: str, now: int) -> Reply | None:
        """Take a hashtag slot of the account; return code 18 if it has none left."""
        if self._slots_of(caller).grant(tag, now):
            return None
        self._judge.records[caller.name].slot_violations += 1
        message = "(#18) This account has searched too many unique hashtags within the past 7 days"
        return _error(18, message, subcode=2207034)

    def _slots_of(self, caller: Caller) -> Slots:
        """Return the hashtag slots of an account."""
        slots = self._slots.get(caller.name)
        if slots is None:
            slots = self._slots[caller.name] = Slots(*self._budgets.slots)
        return slots

    def _searched(self, caller: Caller, now: int) -> Reply:
        """Return the hashtags that count against the account's thirty."""
        tags = self._slots_of(caller).held(now)
        found = [{"id": hashtag_id(number("hashtag", tag)), "name": tag} for tag in tags]
        return json_reply({"data": found})

    def _name(self, tag_id: str) -> str | None:
        """Return the name behind a hashtag id, also one that a client kept from before this
        server ran.
        """
        if not self._names:
            names = [brand.tag for brand in self._world.brands]
            names += [tag for found in self._world.related.values() for tag in found]
            self._names = {hashtag_id(number("hashtag", fold(name))): fold(name) for name in names}
        return self._names.get(tag_id)

    def _tagged(self, ask: Ask, caller: Caller, tag_id: str, now: int, *, top: bool) -> Reply:
        """Return media of a hashtag: the last 24 hours, or the most engaging of the week. No
        author is told.
        """
        if (tag := self._name(tag_id)) is None:
            return _error(100, f"Unsupported get request. Object with ID '{tag_id}' does not exist")
        if (refusal := self._slot(caller, tag, now)) is not None:
            return refusal
        limit = clamped(ask.param("limit"), default=25, most=min(50, self._budgets.page))
        after = _opened(ask.param("after"))
        if after is None:
            return _error(100, "(#100) Invalid parameter: after")
        posts = self._top(tag, after, now, limit) if top else self._recent(tag, after, now, limit)
        fields = tuple((ask.param("fields") or "").replace(" ", "").split(","))
        cursor = after + len(posts) if top else self._shelf.posts.number[posts[-1]] if posts else 0
        paging = _paging(ask, cursor, full=len(posts) == limit) if posts else {}
        data = self._media(posts, now, fields)
        return json_reply({"data": msgspec.Raw(joined(data))} | paging)

    def _recent(self, tag: str, below: int, now: int, limit: int) -> list[int]:
        """Return the posts of the last 24 hours below a number."""
        posts = self._shelf.newest(tag, now=now, limit=limit, below=below or None)
        return [post for post in posts if self._shelf.posts.created[post] > now - DAY]

    def _top(self, tag: str, begin: int, now: int, limit: int) -> list[int]:
        """Return top posts from a rank on."""
        return self._shelf.top(tag, now=now, limit=begin + limit)[begin:]

    def _media(self, posts: list[int], now: int, fields: tuple[str, ...]) -> list[bytes]:
        """Return media with the fields asked for."""
        if not posts:
            return []
        counts = self._shelf.posts.growth.at(posts, now)[:, :2].T.tolist()
        columns: dict[Hole, list[int]] = {"likes": counts[0], "comments": counts[1]}
        return [
            self._template(post, now, fields).fill(row)
            for post, row in zip(posts, rows(columns), strict=True)
        ]

    def _template(self, post: int, now: int, fields: tuple[str, ...]) -> Template:
        """Return what never changes of a post."""
        key = (post, self._shelf.posts.edited[post] <= now, ",".join(fields))
        if (template := self._templates.get(key)) is None:
            if len(self._templates) >= _TEMPLATES:
                self._templates.clear()
            media = self._medium(post, now)
            told = {name: media[name] for name in (*_SILENT, *fields) if name in media}
            template = self._templates[key] = Template(told)
        return template

    def _medium(self, post: int, now: int) -> Document:
        """Return all fields of a post; hidden likes are left out, not null."""
        posts = self._shelf.posts
        pk, kind = posts.number[post], posts.kind[post]
        media: Document = {
            "id": str(17_900_000_000_000_000 + pk % 99_999_999_999_971),
            "caption": posts.caption(post, now).text,
            "comments_count": hole("comments"),
            "like_count": hole("likes"),
            "media_type": _MEDIA_TYPES[kind],
            "media_url": f"{CDN}/{pk}.jpg",
            "permalink": f"https://www.instagram.com/p/{short_code(pk)}/",
            "timestamp": _time(posts.created[post]),
        }
        if kind == 2:
            media["children"] = {"data": [{"id": str(17_900_000_000_000_000 + pk % 10**13 + at)}
                                          for at in range(2)]}  # fmt: skip
        if posts.hidden[post]:
            del media["like_count"]
        return media

    def _discovery(self, ask: Ask, asker: str, now: int) -> Reply:
        """Return what one professional account may know of another; the outer id is the asker's."""
        found = _DISCOVERY.search(ask.param("fields") or "")
        if found is None:
            return json_reply({"id": asker})
        person = self._people.by_handle.get(found[1].lower())
        if person is None or not self._people.professional(person):
            return _error(110, "Invalid user id", subcode=2207013)
        wanted = _MEDIA.sub("", found[2]).replace(" ", "").split(",")
        profile = self._profile(person, now)
        told: dict[str, Any] = {name: profile[name] for name in wanted if name in profile}
        told["id"] = profile["id"]
        if media := _MEDIA.search(found[2]):
            told["media"] = self._own_media(person, media, now)
        return json_reply({"business_discovery": told, "id": asker})

    def _profile(self, person: int, now: int) -> Document:
        """Return all fields of a professional account; a website is left out where there is
        none.
        """
        profile: Document = {
            "id": self._people.graph_id(person),
            "username": self._people.handles[person],
            "name": self._people.name(person),
            "biography": self._people.bio(person),
            "followers_count": int(self._people.followers("instagram", [person], now)[0]),
            "follows_count": int(self._people.following[person]),
            "media_count": self._shelf.post_total(person, now),
            "profile_picture_url": f"{CDN}/avatar.jpg",
        }
        link = self._people.link(person)
        return profile | ({"website": link} if link else {})

    def _own_media(self, person: int, asked: re.Match[str], now: int) -> Document:
        """Return the nested page of an account's own media."""
        arguments = dict(_ARGUMENT.findall(asked[1]))
        limit = clamped(arguments.get("limit"), default=25, most=min(50, self._budgets.page))
        below = _opened(arguments.get("after")) or None
        posts = self._shelf.newest(person, now=now, limit=limit, below=below)
        fields = tuple(asked[2].replace(" ", "").split(","))
        page: Document = {"data": msgspec.Raw(joined(self._media(posts, now, fields)))}
        if posts:
            after = _sealed(self._shelf.posts.number[posts[-1]])
            page["paging"] = {"cursors": {"after": after}}
        return page


def _error(
    code: int,
    message: str,
    *,
    subcode: int | None = None,
    headers: tuple[tuple[str, str], ...] = (),
) -> Reply:
    """Return the Graph's envelope: status 400 whatever it is, the code says what."""
    error: dict[str, object] = {
        "message": message,
        "type": "OAuthException" if code != 100 else "IGApiException",
        "code": code,
        "is_transient": False,
        "fbtrace_id": f"A{number('trace', code, message):x}"[:23],
    }
    if subcode is not None:
        error["error_subcode"] = subcode
    return json_reply({"error": error}, status=400, headers=headers)


def _percent(window: Window, now: int) -> int:
    """Return how much of a window is used, in whole percent, rounded down as the network rounds."""
    return window.used(now) * 100 // max(window.limit, 1)


def _paging(ask: Ask, cursor: int, *, full: bool) -> Document:
    """Return the cursor behind a page, and the next page's address where the page was full."""
    paging: Document = {"cursors": {"after": _sealed(cursor)}}
    if full:
        query = "&".join(
            f"{key}={value}" for key, value in ask.query if key not in ("after", "access_token")
        )
        paging["next"] = f"https://graph.example{ask.path}?{query}&after={_sealed(cursor)}"
    return {"paging": paging}


def _sealed(number: int) -> str:
    """Return an opaque cursor."""
    return base64.urlsafe_b64encode(f"QVFI{number}".encode()).decode().rstrip("=")


def _opened(cursor: str | None) -> int | None:
    """Return the number in a cursor, 0 for no cursor, None for one that is not ours."""
    if not cursor:
        return 0
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except ValueError:
        return None
    return number_of(text.removeprefix("QVFI"))


def _time(instant: int) -> str:
    """Return an instant as the Graph writes it: without a colon in the zone."""
    return datetime.fromtimestamp(instant // 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")
