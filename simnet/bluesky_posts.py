"""Posts and accounts of Bluesky as JSON; offsets inside a text count UTF-8 bytes."""

import re
from collections.abc import Sequence
from typing import Any, Final

from simnet.audiences import Follower
from simnet.chance import number
from simnet.ids import did, number_of_key, sortable_key
from simnet.site import Shelf
from simnet.wire import Hole, Template, hole, rows
from simnet.world import moment

_MARKED: Final = re.compile(r"(?<!\w)#(\w+)|(?<!\w)@(\w+)|(https://[\w./-]+)")
_NOTICED: Final = 900  # milliseconds until the network has indexed a post
_TEMPLATES: Final = 40_000

Document = dict[str, Any]


class Documents:
    """Writes posts and accounts of Bluesky."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf, self._posts, self._people = shelf, shelf.posts, shelf.world.people
        self._templates: dict[int, Template] = {}

    def views(self, posts: Sequence[int], now: int) -> list[bytes]:
        """Return posts with their counts at `now`, in order."""
        if not posts:
            return []
        counts = self._posts.growth.at(list(posts), now).T.tolist()
        columns: dict[Hole, list[int]] = {
            "likes": counts[0], "comments": counts[1], "shares": counts[2], "quotes": counts[4],
        }  # fmt: skip
        return [
            self._template(post).fill(row) for post, row in zip(posts, rows(columns), strict=True)
        ]

    def _template(self, post: int) -> Template:
        """Return what never changes of a post: here nobody edits."""
        if (template := self._templates.get(post)) is None:
            if len(self._templates) >= _TEMPLATES:
                self._templates.clear()
            template = self._templates[post] = Template(self._view(post))
        return template

    def uri(self, post: int) -> str:
        """Return the address of a post."""
        key = sortable_key(self._posts.number[post])
        return f"at://{self._people.did(self._posts.person[post])}/app.bsky.feed.post/{key}"

    def find(self, uri: str, now: int) -> int | None:
        """Return the post behind an address, None if it is not there (any more)."""
        try:
            post = self._shelf.standing(number_of_key(uri.rpartition("/")[2]), now)
        except ValueError:  # letters no key has
            return None
        return post if post is not None and uri == self.uri(post) else None

    def _view(self, post: int) -> Document:
        """Return a post with holes for counts."""
        created = self._posts.created[post]
        view: Document = {
            "uri": self.uri(post),
            "cid": f"bafyrei{self._posts.key[post]:x}",
            "author": self.author(self._posts.person[post]),
            "record": self._record(post),
            "replyCount": hole("comments"),
            "repostCount": hole("shares"),
            "likeCount": hole("likes"),
            "quoteCount": hole("quotes"),
            "indexedAt": _time(created + _NOTICED),
            "labels": [],
        }
        if self._posts.kind[post] == 0:
            view["embed"] = self._pictures(post)
        return view

    def _pictures(self, post: int) -> Document:
        """Return the picture of a post."""
        url = f"https://cdn.bsky.example/{self._posts.key[post]:x}"
        picture = {"thumb": f"{url}_s", "fullsize": url, "alt": "A pair of shoes",
                   "aspectRatio": {"width": 1200, "height": 900}}  # fmt: skip
        return {"$type": "app.bsky.embed.images#view", "images": [picture]}

    def _record(self, post: int) -> Document:
        """Return what the author wrote: text, and facets that say what in it is a tag, mention
        or link.
        """
        text = self._posts.original(post).text
        return {
            "$type": "app.bsky.feed.post",
            "createdAt": _time(self._posts.created[post]),
            "text": text,
            "langs": [self._posts.lang(post)],
            "facets": [self._facet(text, found) for found in _MARKED.finditer(text)],
        }

    def _facet(self, text: str, found: re.Match[str]) -> Document:
        """Return one marked stretch of a text."""
        begin = len(text[: found.start()].encode())
        index = {"byteStart": begin, "byteEnd": begin + len(found[0].encode())}
        if found[1]:
            feature = {"$type": "app.bsky.richtext.facet#tag", "tag": found[1]}
        elif found[2]:
            person = self._people.by_handle[found[2]]
            feature = {"$type": "app.bsky.richtext.facet#mention", "did": self._people.did(person)}
        else:
            feature = {"$type": "app.bsky.richtext.facet#link", "uri": found[3]}
        return {"index": index, "features": [feature]}

    def author(self, person: int) -> Document:
        """Return an account as it stands beside a post: without counts."""
        return {
            "did": self._people.did(person),
            "handle": self._people.bluesky_handle(person),
            "displayName": self._people.name(person),
            "avatar": "https://cdn.bsky.example/avatar",
            "createdAt": _time(int(self._people.born[person])),
            "labels": [],
        }

    def profile(self, person: int, now: int) -> Document:
        """Return an account with its counts at `now`."""
        followers = int(self._people.followers("bluesky", [person], now)[0])
        return self.author(person) | {
            "description": self._people.bio(person),
            "followersCount": followers,
            "followsCount": int(self._people.following[person]),
            "postsCount": self._shelf.post_total(person, now),
            "indexedAt": _time(int(self._people.born[person])),
        }

    def follower(self, one: Follower) -> Document:
        """Return an account in a list of followers."""
        if one.person is not None:
            return self.author(one.person)
        handle = one.handle.replace("_", "-") + ".bsky.example"
        return {"did": reader_did(one.number), "handle": handle, "labels": []}


def reader_did(account: int) -> str:
    """Return the DID of a follower who is not of the world's people."""
    return did(number("reader", account))


def _time(instant: int) -> str:
    """Return an instant as Bluesky writes it."""
    return moment(instant).strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant % 1_000:03d}Z"
