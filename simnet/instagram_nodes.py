"""Posts of Instagram as JSON: the `node` of GraphQL (generation C) and the `media` of the app
(D).
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from simnet import words
from simnet.chance import Dice
from simnet.growth import COUNTS
from simnet.ids import short_code
from simnet.site import Shelf
from simnet.wire import Template, hole, rows

CDN: Final = "https://cdn.instagram.example"
_TYPES: Final = ("GraphImage", "GraphVideo", "GraphSidecar")
_MEDIA_TYPES: Final = (1, 2, 8)  # photo, video, carousel
_HIDDEN_LIKES: Final = 3  # what the app shows in the place of hidden likes: no count of anything
_TEMPLATES: Final = 40_000  # about 1.5 kB each

Document = dict[str, Any]
Build = Callable[[int, int, "list[Preview]"], Document]


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """One comment shown below a post."""

    pk: int
    person: int
    text: str
    at: int  # milliseconds


class Nodes:
    """Writes posts of Instagram. Everything but counts is written once and kept."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf, self._posts, self._people = shelf, shelf.posts, shelf.world.people
        self._templates: dict[tuple[str, int, bool, int], Template] = {}
        self._previews: dict[int, tuple[Preview, ...]] = {}

    def tagged(self, posts: Sequence[int], now: int) -> list[bytes]:
        """Return nodes as tag pages have them: of the author only the number."""
        return self._write("tagged", self._tagged_node, posts, now)

    def owned(self, posts: Sequence[int], now: int) -> list[bytes]:
        """Return nodes as profiles have them: with the author's handle."""
        return self._write("owned", self._owned_node, posts, now)

    def media(self, posts: Sequence[int], now: int) -> list[bytes]:
        """Return posts as the app has them: with the whole author."""
        return self._write("media", self._media, posts, now)

    def _write(self, form: str, build: Build, posts: Sequence[int], now: int) -> list[bytes]:
        """Return each post with its counts at `now`, in order."""
        if not posts:
            return []
        counts = self._posts.growth.at(list(posts), now).T.tolist()
        numbers = rows(dict(zip(COUNTS, counts, strict=True)))  # a row begins with likes, comments
        return [
            self._template(form, build, post, now, row[1]).fill(row)
            for post, row in zip(posts, numbers, strict=True)
        ]

    def _template(self, form: str, build: Build, post: int, now: int, comments: int) -> Template:
        """Return what never changes of a post, until it is edited or gets its first comments."""
        previews = self.previews(post, now, comments) if comments else []
        key = (form, post, self._posts.edited[post] <= now, len(previews))
        if (template := self._templates.get(key)) is None:
            if len(self._templates) >= _TEMPLATES:
                self._templates.clear()
            template = self._templates[key] = Template(build(post, now, previews))
        return template

    def previews(self, post: int, now: int, comments: int) -> list[Preview]:
        """Return the first two comments of a post, as far as they are there."""
        if (both := self._previews.get(post)) is None:
            both = self._previews[post] = self._first_comments(post)
        return [one for one in both[:comments] if one.at <= now]

    def _first_comments(self, post: int) -> tuple[Preview, ...]:
        """Return the two comments a post shows once it has them."""
        dice = Dice(self._posts.key[post] + 9)
        return tuple(
            Preview(
                pk=17_900_000_000_000_000 + dice.roll(99_999_999_999_999),
                person=dice.roll(self._people.count),
                text=dice.pick(words.REMARKS),
                at=self._posts.created[post] + (at * 3_600 + dice.roll(7_200) + 60) * 1_000,
            )
            for at in range(2)
        )

    def _tagged_node(self, post: int, now: int, previews: list[Preview]) -> Document:
        """Return a node of generation C."""
        text = self._posts.caption(post, now).text
        kind, pk = self._posts.kind[post], self._posts.number[post]
        likes = -1 if self._posts.hidden[post] else hole("likes")
        node: Document = {
            "comments_disabled": False,
            "__typename": _TYPES[kind],
            "id": str(pk),
            "edge_media_to_caption": {"edges": [{"node": {"text": text}}]},
            "shortcode": short_code(pk),
            "edge_media_to_comment": {
                "count": hole("comments"),
                "edges": [{"node": self._comment_node(one)} for one in previews],
            },
            "taken_at_timestamp": self._posts.created[post] // 1_000,
            "dimensions": {"height": 1350, "width": 1080},
            "display_url": f"{CDN}/{pk}.jpg",
            "edge_liked_by": {"count": likes},
            "edge_media_preview_like": {"count": likes},
            "location": self._place_node(post),
            "owner": {"id": str(self._people.instagram_pk(self._posts.person[post]))},
            "thumbnail_src": f"{CDN}/{pk}_640.jpg",
            "is_video": kind == 1,
            "accessibility_caption": None,
        }
        if kind == 1 and not self._posts.hidden[post]:
            node["video_view_count"] = hole("views")
        return node

    def _owned_node(self, post: int, now: int, previews: list[Preview]) -> Document:
        """Return a node of generation C that names its author."""
        node = self._tagged_node(post, now, previews)
        node["owner"]["username"] = self._people.handles[self._posts.person[post]]
        return node

    def _comment_node(self, preview: Preview) -> Document:
        """Return a comment of generation C."""
        owner = {
            "id": str(self._people.instagram_pk(preview.person)),
            "is_verified": bool(self._people.verified[preview.person]),
            "profile_pic_url": f"{CDN}/avatar.jpg",
            "username": self._people.handles[preview.person],
        }
        return {
            "id": str(preview.pk),
            "text": preview.text,
            "created_at": preview.at // 1_000,
            "did_report_as_spam": False,
            "owner": owner,
            "viewer_has_liked": False,
        }

    def _place(self, post: int) -> tuple[str, float, float] | None:
        """Return where a post was made, if its author says so: one in five does."""
        dice = Dice(self._posts.key[post] + 11)
        return dice.pick(words.PLACES) if dice.happens(20) else None

    def _place_node(self, post: int) -> Document | None:
        """Return the place of generation C: a name without a point."""
        if (place := self._place(post)) is None:
            return None
        return {"id": str(words.PLACES.index(place) + 1_000), "has_public_page": True,
                "name": place[0], "slug": ""}  # fmt: skip

    def _media(self, post: int, now: int, previews: list[Preview]) -> Document:
        """Return a post of generation D."""
        pk, person = self._posts.number[post], self._posts.person[post]
        owner, kind = self._people.instagram_pk(person), self._posts.kind[post]
        hidden = bool(self._posts.hidden[post])
        comments = [self._media_comment(one, pk) for one in previews]
        media: Document = {
            "taken_at": self._posts.created[post] // 1_000,
            "pk": pk,
            "id": f"{pk}_{owner}",
            "device_timestamp": self._posts.created[post] * 1_000,
            "media_type": _MEDIA_TYPES[kind],
            "code": short_code(pk),
            "user": self.user(person),
            "caption": self._media_caption(post, now),
            "caption_is_edited": self._posts.edited[post] <= now,
            "like_and_view_counts_disabled": hidden,
            "like_count": _HIDDEN_LIKES if hidden else hole("likes"),
            "comment_count": hole("comments"),
            "preview_comments": comments,
            "comments": comments,
            "image_versions2": {"candidates": [_picture(pk)]},
            "original_width": 1080,
            "original_height": 1350,
            "product_type": ("feed", "clips", "carousel_container")[kind],
        }
        return media | self._media_parts(post, hidden=hidden)

    def _media_parts(self, post: int, *, hidden: bool) -> Document:
        """Return the keys of generation D that only some posts have."""
        pk, kind = self._posts.number[post], self._posts.kind[post]
        parts: Document = {}
        if (place := self._place(post)) is not None:
            parts |= {"location": {"pk": words.PLACES.index(place) + 1_000, "name": place[0],
                                   "lat": place[1], "lng": place[2]}}  # fmt: skip
        if kind == 1:
            parts["video_duration"] = 14.5
            parts["video_versions"] = [{"url": f"{CDN}/{pk}.mp4", "width": 720, "height": 1280}]
            parts |= {} if hidden else {"view_count": hole("views"), "play_count": hole("views")}
        if kind == 2:
            parts["carousel_media"] = [_slide(pk + 1), _slide(pk + 2)]
        return parts

    def _media_caption(self, post: int, now: int) -> Document:
        """Return the caption of generation D: a comment of its author."""
        person = self._posts.person[post]
        return {
            "pk": 17_800_000_000_000_000 + self._posts.key[post] % 10**13,
            "user_id": self._people.instagram_pk(person),
            "text": self._posts.caption(post, now).text,
            "created_at": self._posts.created[post] // 1_000,
            "content_type": "comment",
            "status": "Active",
        }

    def _media_comment(self, preview: Preview, pk: int) -> Document:
        """Return a comment of generation D."""
        return {
            "pk": preview.pk,
            "user_id": self._people.instagram_pk(preview.person),
            "text": preview.text,
            "created_at": preview.at // 1_000,
            "content_type": "comment",
            "status": "Active",
            "user": self.user(preview.person),
            "media_id": pk,
        }

    def user(self, person: int) -> Document:
        """Return an account as the app shows it beside a post."""
        return {
            "pk": self._people.instagram_pk(person),
            "username": self._people.handles[person],
            "full_name": self._people.name(person),
            "is_private": bool(self._people.private[person]),
            "is_verified": bool(self._people.verified[person]),
            "profile_pic_url": f"{CDN}/avatar.jpg",
        }


def _picture(pk: int) -> Document:
    """Return one size of a picture."""
    return {"width": 1080, "height": 1350, "url": f"{CDN}/{pk}.jpg"}


def _slide(pk: int) -> Document:
    """Return one picture of a carousel."""
    return {"pk": pk, "media_type": 1, "image_versions2": {"candidates": [_picture(pk)]}}
