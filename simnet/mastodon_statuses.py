"""Posts and accounts of Mastodon as JSON, as one instance shows them."""

import html
import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from simnet.chance import Dice
from simnet.growth import COUNTS
from simnet.people import INSTANCES
from simnet.site import Shelf
from simnet.texts import Caption
from simnet.wire import Template, hole, rows
from simnet.world import moment

_MARKED: Final = re.compile(r"#(\w+)|@(\w+)|(https://[\w./-]+)")
_TEMPLATES: Final = 40_000

Document = dict[str, Any]


class Statuses:
    """Writes statuses and accounts of one instance. Counts of posts from elsewhere are what it
    saw of them.
    """

    def __init__(self, shelf: Shelf, instance: int) -> None:
        self._shelf, self._posts, self._people = shelf, shelf.posts, shelf.world.people
        self._instance, self._host = instance, INSTANCES[instance]
        self._templates: dict[tuple[int, bool], Template] = {}
        # Which part of the favourites and boosts of a remote post reaches this instance.
        share = 0.4 + 0.55 * ((self._posts.columns.key >> (7 + instance)) % 1_000) / 1_000
        local = self._people.home[self._posts.columns.person] == instance
        self._share = np.where(local, 1.0, share)

    def write(self, posts: Sequence[int], now: int) -> list[bytes]:
        """Return statuses with their counts at `now`, in order."""
        if not posts:
            return []
        persons = [self._posts.person[post] for post in posts]
        numbers = rows(
            dict(zip(COUNTS, self.counts(posts, now).T.tolist(), strict=True))
            | {
                "followers": self._people.followers("mastodon", persons, now).tolist(),
                "posts": [self._shelf.post_total(person, now) for person in persons],
            }
        )
        return [
            self._template(post, now).fill(row) for post, row in zip(posts, numbers, strict=True)
        ]

    def counts(self, posts: Sequence[int], now: int) -> np.typing.NDArray[np.int64]:
        """Return the counts this instance knows at `now`, shape (posts, 5)."""
        found = self._posts.growth.at(list(posts), now)
        return np.asarray(np.floor(found * self._share[list(posts)][:, None]), dtype=np.int64)

    def _template(self, post: int, now: int) -> Template:
        """Return what never changes of a status, until it is edited."""
        key = (post, self._posts.edited[post] <= now)
        if (template := self._templates.get(key)) is None:
            if len(self._templates) >= _TEMPLATES:
                self._templates.clear()
            template = self._templates[key] = Template(self._status(post, now))
        return template

    def uri(self, post: int) -> str:
        """Return the address that is the same on every instance."""
        person = self._posts.person[post]
        return f"{self._account_uri(person)}/statuses/{self._posts.number[post]}"

    def _account_uri(self, person: int) -> str:
        """Return an account's address that is the same on every instance."""
        home = INSTANCES[self._people.home[person]]
        return f"https://{home}/users/{self._people.handles[person]}"

    def acct(self, person: int) -> str:
        """Return how this instance calls an account: with its instance unless it is a local one."""
        handle, home = self._people.handles[person], int(self._people.home[person])
        return handle if home == self._instance else f"{handle}@{INSTANCES[home]}"

    def _status(self, post: int, now: int) -> Document:
        """Return a status with holes for counts."""
        caption, person = self._posts.caption(post, now), self._posts.person[post]
        home = INSTANCES[self._people.home[person]]
        edited = self._posts.edited[post] <= now
        return {
            "id": str(self._shelf.view.number[post]),
            "created_at": _time(self._posts.created[post]),
            "in_reply_to_id": None,
            "in_reply_to_account_id": None,
            "sensitive": False,
            "spoiler_text": "",
            "visibility": "public",
            "language": self._posts.lang(post),
            "uri": self.uri(post),
            "url": f"https://{home}/@{self._people.handles[person]}/{self._posts.number[post]}",
            "replies_count": hole("comments"),
            "reblogs_count": hole("shares"),
            "favourites_count": hole("likes"),
            "quotes_count": hole("quotes"),
            "edited_at": _time(self._posts.edited[post]) if edited else None,
            "content": self._content(caption),
            "reblog": None,
            "application": None,
            "account": self._account(person),
            "media_attachments": self._media(post),
            "mentions": [self._mention(handle) for handle in caption.mentions],
            "tags": [self._tag(tag) for tag in _lowered(caption.text)],
            "emojis": [],
            "card": None,
            "poll": None,
        }

    def _content(self, caption: Caption) -> str:
        """Return a text as Mastodon's HTML: paragraphs, breaks, links."""
        paragraphs = [
            _MARKED.sub(self._link, html.escape(part, quote=False)).replace("\n", "<br />")
            for part in caption.text.split("\n\n")
        ]
        return "".join(f"<p>{part}</p>" for part in paragraphs)

    def _link(self, found: re.Match[str]) -> str:
        """Return a hashtag, a mention or an address as HTML."""
        tag, handle, address = found.groups()
        if tag:
            href = f"https://{self._host}/tags/{tag.lower()}"
            return f'<a href="{href}" class="mention hashtag" rel="tag">#<span>{tag}</span></a>'
        if handle:
            url = self._mention(handle)["url"]
            return (
                f'<span class="h-card" translate="no"><a href="{url}" class="u-url mention">'
                f"@<span>{handle}</span></a></span>"
            )
        return f'<a href="{address}" target="_blank" rel="nofollow noopener">{address}</a>'

    def _mention(self, handle: str) -> Document:
        """Return an account a status mentions."""
        person = self._people.by_handle[handle]
        return {
            "id": str(self._people.mastodon_id(person, self._instance)),
            "username": handle,
            "url": f"https://{INSTANCES[self._people.home[person]]}/@{handle}",
            "acct": self.acct(person),
        }

    def _tag(self, name: str) -> Document:
        """Return a hashtag of a status."""
        return {"name": name, "url": f"https://{self._host}/tags/{name}"}

    def _media(self, post: int) -> list[Document]:
        """Return the pictures and films of a status."""
        kind, key = self._posts.kind[post], self._posts.key[post]
        if kind == 3:
            return []
        url = f"https://files.{self._host}/{key:x}.{'mp4' if kind == 1 else 'jpg'}"
        size = {"width": 1200, "height": 900, "size": "1200x900", "aspect": 4 / 3}
        alt = "A pair of shoes" if Dice(key + 13).happens(60) else None
        return [{"id": str(key % 10**17), "type": "video" if kind == 1 else "image", "url": url,
                 "preview_url": url, "remote_url": None, "meta": {"original": size},
                 "description": alt}]  # fmt: skip

    def _account(self, person: int) -> Document:
        """Return an account with holes for counts."""
        home, handle = INSTANCES[self._people.home[person]], self._people.handles[person]
        return {
            "id": str(self._people.mastodon_id(person, self._instance)),
            "username": handle,
            "acct": self.acct(person),
            "display_name": self._people.name(person),
            "locked": bool(self._people.private[person]),
            "bot": False,
            "discoverable": True,
            "group": False,
            "created_at": _time(int(self._people.born[person])),
            "note": f"<p>{html.escape(self._people.bio(person), quote=False)}</p>",
            "url": f"https://{home}/@{handle}",
            "uri": self._account_uri(person),
            "avatar": f"https://files.{self._host}/avatar.png",
            "header": f"https://files.{self._host}/header.png",
            "followers_count": hole("followers"),
            "following_count": int(self._people.following[person]),
            "statuses_count": hole("posts"),
            "emojis": [],
            "fields": self._fields(person),
        }

    def _fields(self, person: int) -> list[Document]:
        """Return the table below a profile: the account's own page, verified for brands."""
        if (link := self._people.link(person)) is None:
            return []
        checked = _time(int(self._people.born[person])) if self._people.verified[person] else None
        return [{"name": "Web", "value": f'<a href="{link}">{link}</a>', "verified_at": checked}]

    def account(self, person: int, now: int) -> bytes:
        """Return an account with its counts at `now`."""
        followers = int(self._people.followers("mastodon", [person], now)[0])
        posts = self._shelf.post_total(person, now)
        row = rows({"followers": [followers], "posts": [posts]})[0]
        return Template(self._account(person)).fill(row)

    def boost(self, person: int, post: int, at: int, now: int) -> Document:
        """Return a boost: a status without text that holds another one, whose counts it shows."""
        likes, comments, shares, _, quotes = self.counts([post], now)[0].tolist()
        number = (at << 16) + self._posts.key[post] % 2**16
        status = self._status(post, now)
        return status | {
            "id": str(number),
            "created_at": _time(at),
            "uri": f"{self._account_uri(person)}/statuses/{number}/activity",
            "url": None,
            "edited_at": None,
            "content": status["content"],
            "replies_count": comments,
            "reblogs_count": shares,
            "favourites_count": likes,
            "quotes_count": quotes,
        }


def _lowered(text: str) -> list[str]:
    """Return the hashtags of a text as Mastodon lists them: lower case, each once."""
    return list(dict.fromkeys(tag.lower() for tag, _, _ in _MARKED.findall(text) if tag))


def _time(instant: int) -> str:
    """Return an instant as Mastodon writes it."""
    return moment(instant).strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant % 1_000:03d}Z"
