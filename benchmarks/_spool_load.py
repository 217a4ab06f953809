"""Pages for the spool's benchmark: what polls of a busy hashtag bring."""

import json
import random

import msgspec

from ingestor.revisit_file import Visit
from ingestor.spool_file import Append
from lake.contract import Line

START = 1_767_225_600_000  # milliseconds
STATE = msgspec.msgpack.Encoder().encode


class Pages:
    """Makes pages: `posts` new posts, each with its snapshot, its state and, if wanted, its
    visit.
    """

    def __init__(self, posts: int, *, visits: bool, raw: bool, seed: int = 1) -> None:
        self._rng = random.Random(seed)
        self._posts = posts
        self._visits = visits
        self._raw = raw
        self._next = 0
        letters = "abcdefghijklmnopqrstuvwxyz"
        self._words = [
            "".join(self._rng.choices(letters, k=self._rng.randint(2, 9))) for _ in range(3000)
        ]

    def make(self, pages: int) -> list[Append]:
        """Return pages of posts that no page had before."""
        return [self._page() for _ in range(pages)]

    def _page(self) -> Append:
        posts = [self._post() for _ in range(self._posts)]
        lines = [line for post in posts for line in (post, self._snapshot(post))]
        at = START + self._next
        visits = tuple(
            Visit(id=post.id, due=at + 4_320_000, rung=0, lane="a", body=post.body)
            for post in posts
        )
        state = (b"12345678", (905, 31) + (None,) * 6, at, None, False)
        return Append(
            lines=tuple(lines),
            target=f"instagram/tag/{self._words[self._next % 3000]}",
            position=self._rng.randbytes(300),
            fence=1,
            seen=tuple((post.id, STATE(state)) for post in posts),
            visits=visits if self._visits else (),
            touched=at,
        )

    def _post(self) -> Line:
        rng, words = self._rng, self._words
        self._next += 1
        key = f"instagram:{3_400_000_000_000_000_000 + self._next * 100_000 + rng.randrange(10**6)}"
        at = START + self._next
        record = {
            "id": key,
            "network": "instagram",
            "observed_at": "2026-01-01T12:00:00.123Z",
            "created_at": "2026-01-01T11:59:00Z",
            "text": " ".join(rng.choices(words, k=40)),
            "tags": rng.choices(words, k=8),
            "author_id": f"instagram:{rng.randrange(10**10)}",
            "counts": {"likes": rng.randrange(10**5), "comments": rng.randrange(99)},
        }
        if self._raw:
            record["raw"] = {"url": rng.randbytes(120).hex(), "text": rng.choices(words, k=50)}
        return _line("posts", key, at, record)

    def _snapshot(self, post: Line) -> Line:
        rng = self._rng
        record = {
            "id": f"{post.id}@{post.version}",
            "network": "instagram",
            "subject": "post",
            "subject_id": post.id,
            "author_id": f"instagram:{rng.randrange(10**10)}",
            "tags": rng.choices(self._words, k=8),
            "observed_at": "2026-01-01T12:00:00.123Z",
            "created_at": "2026-01-01T11:59:00Z",
            "observer": "ingestor-1.1",
            "counts": {"likes": rng.randrange(10**5), "comments": rng.randrange(99)},
        }
        return _line("snapshots", f"{post.id}@{post.version}", post.version, record)


def _line(table: str, key: str, version: int, record: dict[str, object]) -> Line:
    body = json.dumps(record, separators=(",", ":")).encode()
    return Line(table=table, id=key, version=version, month="2026.01", body=body)
