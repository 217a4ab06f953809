"""Posts as they come, and posts that no lake takes: one in a thousand, each kind in turn."""

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from fakes.observations import post
from lake.contract import Line
from lake.lines import line_of
from lake.records import Post

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
WORDS = ("summer", "run", "coffee", "light", "shoes", "morning", "team", "river", "city", "night")


def canary(number: int) -> str:
    """Return a word that stands in the text of one post and nowhere else."""
    return f"canary{number:07}x"


def good(number: int, *, version: int = 0, weight: int = 300, **fields: Any) -> Post:
    """Return a post like those of a network; `weight` is about the length of its raw JSON."""
    rng = random.Random(number)
    words = " ".join(rng.choices(WORDS, k=12))
    text = f"{words} {canary(number)}"
    filled: dict[str, Any] = {
        "text": text,
        "created_at": START + timedelta(seconds=number % 86_400),
        "observed_at": START + timedelta(days=1, seconds=version),
        "author_handle": f"user{number % 977}",
        "tags": ("summer", f"tag{number % 50}"),
        "likes": number + version,
        "raw": msgspec.Raw(msgspec.json.encode({"caption": text, "more": _filling(rng, weight)})),
    }
    return post(f"mastodon:{number}", **(filled | fields))


def _filling(rng: random.Random, weight: int) -> str:
    return " ".join(rng.choices(WORDS, k=max(1, weight // 6)))


def _changed(number: int, *, id: str | None = None, **change: object) -> Line:
    """Return the line of a good post with fields of its body changed, as a wrong parser would."""
    line = line_of(good(number))
    if id is not None:
        change["id"] = id
    body = msgspec.json.encode(msgspec.json.decode(line.body) | change)
    return msgspec.structs.replace(line, id=id or line.id, body=body)


def _rewritten(number: int, rewrite: Callable[[bytes], bytes]) -> Line:
    line = line_of(good(number))
    return msgspec.structs.replace(line, body=rewrite(line.body))


def _nested(depth: int, leaf: str) -> object:
    value: object = leaf
    for _ in range(depth):
        value = {"a": value}
    return value


POISON: dict[str, Callable[[int], Line]] = {
    "id of 513 bytes": lambda n: _changed(n, id=f"mastodon:{n}".ljust(513, "x")),
    "NUL in the id": lambda n: _changed(n, id=f"mastodon:{n}\0"),
    "30 levels deep": lambda n: _changed(n, raw=_nested(29, canary(n))),
    "keyword of 33 KB": lambda n: _changed(n, author_handle=canary(n).ljust(33_000, "x")),
    "text for a count": lambda n: _changed(n, counts={"likes": canary(n)}),
    "text for a time": lambda n: _changed(n, created_at=canary(n)),
    "object for tags": lambda n: _changed(n, tags={canary(n): 1}),
    "count over 64 bits": lambda n: _changed(n, counts={"likes": 2**63}),
    "cut line": lambda n: _rewritten(n, lambda body: body[:-20]),
    "no JSON": lambda n: _rewritten(n, lambda _: canary(n).encode()),
}


def broken(number: int) -> Line:
    """Return a line in two: good JSON, but in a bulk request the second half is an action."""
    return _rewritten(number, lambda body: body.replace(b",", b",\n", 1))


def poisoned(count: int, *, every: int = 1000) -> tuple[list[Line], dict[str, str]]:
    """Return lines of `count` posts, one of `every` bad, and what is wrong with those by id."""
    lines: list[Line] = []
    wrong: dict[str, str] = {}
    kinds: Sequence[str] = list(POISON)
    for number in range(count):
        if number % every == every // 2:
            kind = kinds[number // every % len(kinds)]
            line = POISON[kind](number)
            wrong[line.id] = kind
        else:
            line = line_of(good(number))
        lines.append(line)
    return lines, wrong
