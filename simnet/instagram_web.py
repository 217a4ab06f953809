"""Instagram's web JSON: tag pages of generation C and D, profiles, GraphQL paging, and its
refusals.
"""

import base64
import binascii
import re
from typing import Any, Final, Literal

import msgspec

from simnet.audiences import Audience
from simnet.budgets import Budgets
from simnet.chance import number
from simnet.faults import HowDead
from simnet.ids import hashtag_id, pk_of
from simnet.instagram_nodes import CDN, Document, Nodes
from simnet.logins import known
from simnet.site import Caller, Shelf, Windows
from simnet.texts import fold
from simnet.wire import Ask, Reply, clamped, html_reply, joined, json_reply, number_of
from simnet.world import World

Generation = Literal["C", "D"]

_PAGE_C: Final = 60
_PAGE_D: Final = 30
_PAGE_PROFILE: Final = 12
_TOP: Final = 9
_APP_ID: Final = "936619743392459"  # the web page's own; profiles are not told without it
_FOLLOWERS: Final = "37479f2b8209594dde7facb0d904896a"  # GraphQL's name of the question
_TAG_PATH: Final = re.compile(r"^/explore/tags/([^/]+)/?$")
_SECTIONS_PATH: Final = re.compile(r"^/api/v1/tags/([^/]+)/sections/?$")
_MEDIA_PATH: Final = re.compile(r"^/api/v1/media/(\d+)(?:_\d+)?/info/?$")
_POST_PATH: Final = re.compile(r"^/p/([\w-]+)/?$")
_PROFILE_PATH: Final = re.compile(r"^/(\w+)/?$")
_WAIT: Final[Document] = {
    "message": "Please wait a few minutes before you try again.",
    "require_login": True,
}
_DEATHS: Final[dict[HowDead, tuple[int, Document]]] = {
    "checkpoint": (
        400,
        {"message": "checkpoint_required", "checkpoint_url": "/challenge/1/Ab/", "lock": False},
    ),
    "challenge": (400, {"message": "challenge_required", "challenge": {"url": "/challenge/1/Ab/"}}),
    "feedback": (400, {"message": "feedback_required", "spam": True}),
    "wait": (401, _WAIT),
    "dead_token": (403, {"message": "login_required"}),
}


class InstagramWeb:
    """Instagram as a browser sees it. Tags need a session (cookie `sessionid`), profiles do not."""

    name: Final = "instagram.example"

    def __init__(
        self, world: World, budgets: Budgets, *, logins: int, generation: Generation
    ) -> None:
        self._world, self._budgets, self._logins = world, budgets, logins
        self._generation = generation
        self._page_c, self._page_d = min(_PAGE_C, budgets.page), min(_PAGE_D, budgets.page)
        self._people = world.people
        self._shelf = Shelf(world, world.views["instagram"])
        self._nodes = Nodes(self._shelf)
        self._windows = Windows()
        self._audience = Audience(world.people, "instagram")
        self._by_pk = {
            world.people.instagram_pk(person): person for person in range(world.people.count)
        }

    def caller(self, ask: Ask) -> Caller:
        """Return the session, or the address of who has none."""
        login = known(self.name, ask.cookies.get("sessionid"), count=self._logins)
        if login is None:
            window = self._budgets.web_anonymous
            return Caller(name=f"{self.name}/{ask.remote}", login=None, window=window)
        return Caller(name=login.name, login=login, window=self._budgets.web)

    def dead(self, how: HowDead) -> Reply:
        """Return the form of death asked for."""
        if how == "login_required":
            return _to_login("/")
        status, body = _DEATHS[how]
        return json_reply(body | {"status": "fail"}, status=status)

    def refuse(self, ask: Ask, caller: Caller, now: int) -> Reply | None:
        """Return the rate limit in disguise: no header says how long it lasts."""
        if self._windows.of(caller).grant(now):
            return None
        status = 401 if "web_profile_info" in ask.path else 429
        return json_reply(_WAIT | {"status": "fail"}, status=status)

    def reply(self, ask: Ask, caller: Caller, now: int) -> Reply:
        """Return a page of whichever generation the request asks for."""
        if ask.path.rstrip("/") == "/api/v1/users/web_profile_info":
            return self._profile_e(ask, now)
        if caller.login is None and not _PROFILE_PATH.match(ask.path):
            return _to_login(ask.path)
        if ask.path.rstrip("/") == "/graphql/query":
            return self._graphql(ask, now)
        if found := _TAG_PATH.match(ask.path):
            return self._tag(ask, fold(found[1]), now)
        if found := _SECTIONS_PATH.match(ask.path):
            return self._sections(ask, fold(found[1]), now)
        return self._address(ask, now)

    def _address(self, ask: Ask, now: int) -> Reply:
        """Return what is behind the address of a post or a profile."""
        if found := _MEDIA_PATH.match(ask.path):
            return self._media_info(int(found[1]), now)
        if found := _POST_PATH.match(ask.path):
            return self._post(pk_of(found[1]), now)
        if found := _PROFILE_PATH.match(ask.path):
            return self._profile_c(found[1], now)
        return html_reply(404, "Page not found")

    def _tag(self, ask: Ask, tag: str, now: int) -> Reply:
        """Return a tag's first page, generation D where `__d=dis` asks for it."""
        if not self._shelf.view.tag(tag).ids:
            return html_reply(404, "Page not found")
        if ask.param("__d") == "dis" and self._generation == "D":
            return json_reply({"data": self._tag_d(tag, now), "status": "ok"})
        try:
            below = _place(ask.param("max_id"))
        except ValueError:
            return _fail("invalid max_id")
        return json_reply(
            {"graphql": {"hashtag": self._tag_c(tag, now, limit=self._page_c, below=below)}}
        )

    def _tag_c(self, tag: str, now: int, *, limit: int, below: int | None) -> Document:
        """Return a tag as generation C tells it."""
        posts = self._shelf.newest(tag, now=now, limit=limit, below=below)
        top = self._shelf.top(tag, now=now, limit=_TOP)
        return {
            "id": hashtag_id(number("hashtag", tag)),
            "name": tag,
            "allow_following": True,
            "is_following": False,
            "is_top_media_only": False,
            "profile_pic_url": f"{CDN}/tag.jpg",
            "edge_hashtag_to_media": {
                "count": self._shelf.tag_total(tag, now),
                "page_info": self._page_info(posts, limit=limit),
                "edges": _edges(self._nodes.tagged(posts, now)),
            },
            "edge_hashtag_to_top_posts": {"edges": _edges(self._nodes.tagged(top, now))},
            "edge_hashtag_to_content_advisory": {"count": 0, "edges": []},
            "edge_hashtag_to_related_tags": {
                "edges": [{"node": {"name": name}} for name in self._world.related.get(tag, ())]
            },
            "edge_hashtag_to_null_state": {"edges": []},
        }

    def _page_info(self, posts: list[int], *, limit: int) -> Document:
        """Return GraphQL's cursor. A full page has one even if it is the last: an empty page
        follows.
        """
        if len(posts) < limit:
            return {"has_next_page": False, "end_cursor": None}
        return {"has_next_page": True, "end_cursor": _cursor(self._shelf.posts.number[posts[-1]])}

    def _tag_d(self, tag: str, now: int) -> Document:
        """Return a tag as generation D tells it: a wall of sections, top and recent."""
        top = self._shelf.top(tag, now=now, limit=_TOP)
        recent = self._shelf.newest(tag, now=now, limit=self._page_d)
        total = self._shelf.tag_total(tag, now)
        related = self._world.related.get(tag)
        return {
            "id": int(hashtag_id(number("hashtag", tag))),
            "name": tag,
            "media_count": total,
            "formatted_media_count": f"{total / 1e6:.1f} M",
            "related_tags": [{"name": name} for name in related] if related else None,
            "subtitle": list("See every post"),  # single letters, as recorded
            "profile_pic_url": f"{CDN}/tag.jpg",
            "top": self._wall(top, now, page=0, limit=_TOP + 1),
            "recent": self._wall(recent, now, page=0, limit=self._page_d),
        }

    def _wall(self, posts: list[int], now: int, *, page: int, limit: int) -> Document:
        """Return posts three in a row, and how to go on behind them."""
        media = [b'{"media":' + one + b"}" for one in self._nodes.media(posts, now)]
        sections = [
            {
                "layout_type": "media_grid",
                "layout_content": {"medias": msgspec.Raw(joined(media[at : at + 3]))},
                "feed_type": "media",
                "explore_item_info": {"num_columns": 3, "total_num_columns": 3},
            }
            for at in range(0, len(media), 3)
        ]
        wall: Document = {"sections": sections, "more_available": len(posts) == limit}
        if len(posts) == limit:
            last = self._shelf.posts.number[posts[-1]]
            wall |= {"next_max_id": _cursor(last), "next_page": page + 1, "next_media_ids": [last]}
        return wall

    def _sections(self, ask: Ask, tag: str, now: int) -> Reply:
        """Return the next wall of generation D; it is asked for by POST."""
        if ask.method != "POST":
            return html_reply(405, "Method not allowed")
        form = ask.form
        try:
            below = _place(form.get("max_id"))
        except ValueError:
            return _fail("invalid max_id")
        posts = self._shelf.newest(tag, now=now, limit=self._page_d, below=below)
        if form.get("tab") == "top":
            posts = [] if below else self._shelf.top(tag, now=now, limit=_TOP)
        page = number_of(form.get("page")) or 0
        return json_reply(self._wall(posts, now, page=page, limit=self._page_d) | {"status": "ok"})

    def _graphql(self, ask: Ask, now: int) -> Reply:
        """Return GraphQL's answer: a tag by name, or the posts or followers of an account by
        number.
        """
        try:
            wanted = msgspec.json.decode(ask.param("variables") or "{}", type=dict[str, Any])
            below = _place(wanted.get("after"))
        except ValueError:
            return _fail("invalid variables")
        limit = clamped(
            str(wanted.get("first", "")), default=_PAGE_PROFILE, most=min(50, self._page_c)
        )
        if "tag_name" in wanted:
            tag = fold(str(wanted["tag_name"]))
            found = {"hashtag": self._tag_c(tag, now, limit=limit, below=below)}
            return json_reply({"data": found, "status": "ok"})
        person = self._by_pk.get(number_of(str(wanted.get("id", ""))) or 0)
        if person is None:
            return json_reply({"data": {"user": None}, "status": "ok"})
        if ask.param("query_hash") == _FOLLOWERS:
            edge = self._followers(person, now, limit=limit, below=below)
            return json_reply({"data": {"user": {"edge_followed_by": edge}}, "status": "ok"})
        edge = self._timeline(person, now, limit=limit, below=below)
        found = {"user": {"edge_owner_to_timeline_media": edge}}
        return json_reply({"data": found, "status": "ok"})

    def _followers(self, person: int, now: int, *, limit: int, below: int | None) -> Document:
        """Return a page of followers; nobody sees those of a private account."""
        size = self._audience.size(person, now)
        if self._people.private[person]:
            return {
                "count": size,
                "page_info": {"has_next_page": False, "end_cursor": ""},
                "edges": [],
            }
        page = self._audience.page(person, now=now, limit=limit, below=below)
        info = {"has_next_page": len(page) == limit, "end_cursor": ""}
        if len(page) == limit:
            info["end_cursor"] = _cursor(page[-1][0])
        edges = [{"node": self._follower(one.number, one.person, one.handle)} for _, one in page]
        return {"count": size, "page_info": info, "edges": edges}

    def _follower(self, account: int, person: int | None, handle: str) -> Document:
        """Return an account in a list of followers."""
        if person is None:
            return {"id": str(reader_pk(account)), "username": handle, "full_name": "",
                    "is_private": account % 3 == 0, "is_verified": False}  # fmt: skip
        user = self._nodes.user(person)
        return {"id": str(user.pop("pk")), **user}

    def _timeline(self, person: int, now: int, *, limit: int, below: int | None) -> Document:
        """Return the posts of an account; those of a private one are not shown."""
        private = self._people.private[person]
        posts = [] if private else self._shelf.newest(person, now=now, limit=limit, below=below)
        return {
            "count": self._shelf.post_total(person, now),
            "page_info": self._page_info(posts, limit=limit),
            "edges": _edges(self._nodes.owned(posts, now)),
        }

    def _user(self, person: int, now: int) -> Document:
        """Return an account as generation C tells it."""
        followers = int(self._people.followers("instagram", [person], now)[0])
        return {
            "biography": self._people.bio(person),
            "external_url": self._people.link(person),
            "edge_followed_by": {"count": followers},
            "edge_follow": {"count": int(self._people.following[person])},
            "full_name": self._people.name(person),
            "id": str(self._people.instagram_pk(person)),
            "is_business_account": bool(self._people.is_brand[person]),
            "is_private": bool(self._people.private[person]),
            "is_verified": bool(self._people.verified[person]),
            "profile_pic_url": f"{CDN}/avatar.jpg",
            "username": self._people.handles[person],
            "edge_related_profiles": {"edges": self._related(person)},
            "edge_owner_to_timeline_media": self._timeline(
                person, now, limit=_PAGE_PROFILE, below=None
            ),
        }

    def _related(self, person: int) -> list[Document]:
        """Return the accounts shown beside a brand: its rivals'."""
        if not self._people.is_brand[person]:
            return []
        rivals = [other for other in range(len(self._world.brands)) if other != person][:8]
        return [{"node": self._rival(other)} for other in rivals]

    def _rival(self, person: int) -> Document:
        """Return an account as it is shown beside another."""
        handle = self._people.handles[person]
        return {"id": str(self._people.instagram_pk(person)), "username": handle}

    def _profile_c(self, handle: str, now: int) -> Reply:
        """Return a profile of generation C."""
        person = self._people.by_handle.get(handle.lower())
        if person is None:
            return html_reply(404, "Page not found")
        user = self._user(person, now)
        page = {"logging_page_id": f"profilePage_{user['id']}", "graphql": {"user": user}}
        return json_reply(page)

    def _profile_e(self, ask: Ask, now: int) -> Reply:
        """Return a profile of generation E: that of C with some keys more, for the web's own
        app only.
        """
        if ask.headers.get("x-ig-app-id") != _APP_ID:
            return _fail("useragent mismatch")
        person = self._people.by_handle.get((ask.param("username") or "").lower())
        if person is None:
            return json_reply({"data": {"user": None}, "status": "ok"}, status=404)
        user = self._user(person, now) | {
            "fbid": self._people.graph_id(person),
            "category_name": "Brand" if self._people.is_brand[person] else None,
            "is_professional_account": self._people.professional(person),
            "bio_links": [],
        }
        return json_reply({"data": {"user": user}, "status": "ok"})

    def _post(self, pk: int, now: int) -> Reply:
        """Return one post, 404 once it is deleted."""
        if (post := self._shelf.standing(pk, now)) is None:
            return html_reply(404, "Page not found")
        node = msgspec.Raw(self._nodes.owned([post], now)[0])
        return json_reply({"graphql": {"shortcode_media": node}})

    def _media_info(self, pk: int, now: int) -> Reply:
        """Return one post as the app has it."""
        if (post := self._shelf.standing(pk, now)) is None:
            return json_reply(
                {"message": "Media not found or unavailable", "status": "fail"}, status=404
            )
        items = msgspec.Raw(joined(self._nodes.media([post], now)))
        return json_reply(
            {"items": items, "num_results": 1, "more_available": False, "status": "ok"}
        )


def reader_pk(account: int) -> int:
    """Return the number of a follower who is not of the world's people."""
    return 60_000_000_000 + account


def _edges(nodes: list[bytes]) -> msgspec.Raw:
    """Return nodes as GraphQL's list of edges."""
    return msgspec.Raw(joined(b'{"node":' + node + b"}" for node in nodes))


def _cursor(number: int) -> str:
    """Return an opaque cursor behind a number."""
    return base64.urlsafe_b64encode(f"AQD:{number}".encode()).decode()


def _place(cursor: object) -> int | None:
    """Return the number a cursor stands for. Raises ValueError for one that is not ours."""
    if not cursor:
        return None
    try:
        text = base64.b64decode(str(cursor), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as broken:
        raise ValueError("cursor") from broken
    found = number_of(text.removeprefix("AQD:"))
    if found is None:
        raise ValueError("cursor")
    return found


def _fail(message: str) -> Reply:
    """Return Instagram's form of a refused request."""
    return json_reply({"message": message, "status": "fail"}, status=400)


def _to_login(path: str) -> Reply:
    """Return the way to the login page."""
    where = f"/accounts/login/?next={path}"
    return Reply(status=302, content_type="text/html", headers=(("Location", where),))
