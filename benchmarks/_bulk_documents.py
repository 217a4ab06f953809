"""What `bulk.py` writes: posts as Instagram's web application sends them, and small comments."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import cast
from urllib.parse import urlencode

import msgspec

from ingestor.contract import Answer, Credential, Request, Seen, Target
from ingestor.rows import rows_of
from ingestor.sources import SOURCES
from lake.contract import Line
from lake.entries import entries
from lake.lines import line_of, record_of
from lake.records import Comment, CommentCounts, Post
from simnet.brands import sports_brands
from simnet.budgets import Budgets
from simnet.logins import login
from simnet.simulation import Simulation
from simnet.wire import ask
from simnet.world import World

START = datetime(2026, 3, 2, tzinfo=UTC)
NOW = START + timedelta(days=27)
BODY = 1 << 20  # bytes of a body that is made before the clock starts
PLENTY = (10**9, 3_600.0)
SITE = "instagram.example"

_encode = msgspec.json.Encoder().encode


async def _posts(seed: int) -> list[Post]:
    """Return the posts of one simulated world, through the shipped source."""
    world = World(seed, start=START, days=28, brands=sports_brands(START))
    budgets = Budgets(web=PLENTY, web_anonymous=PLENTY)
    simulation = Simulation(world, now=lambda: NOW, budgets=budgets)
    source, who = SOURCES["instagram"](), login(SITE, 1)
    credential = Credential(account=who.name, user=who.user, secret=who.secret)

    async def fetch(request: Request) -> Answer:
        url = f"{request.path}?{urlencode(request.params)}"
        body = urlencode(request.form or ()).encode()
        asked = ask(request.method, url, headers=dict(request.headers), body=body)
        reply = simulation.answer(asked, site=SITE)
        headers = {"content-type": reply.content_type}
        return Answer(status=reply.status, headers=headers, body=reply.body, url=url)

    found: list[Post] = []
    for tag in ("nike", "adidas", "puma"):
        target = Target(network="instagram", kind="tag", name=tag)
        seen = Seen(observed_at=NOW, host=SITE, target=target)
        async for page in source.poll(fetch, target, credential, seen, None):
            rows = rows_of(page)
            found += [
                cast(
                    "Post",
                    record_of("posts", rows.body(row, rows.handles[row], rows.followers[row])),
                )
                for row in rows.recent
            ]
    return found


def posts(wanted: int) -> list[Post]:
    """Return so many different posts, with the raw JSON of the network."""
    found: dict[str, Post] = {}
    for seed in count(1):
        found |= {post.id: post for post in asyncio.run(_posts(seed))}
        if len(found) >= wanted:
            break
    return list(found.values())[:wanted]


def _comment(post: Post, number: int) -> Comment:
    return Comment(
        id=f"{post.id}{number}",
        network=post.network,
        observed_at=post.observed_at,
        post_id=post.id,
        author_id=post.author_id,
        author_handle=post.author_handle,
        text=(post.text or "")[number * 20 :][:120],
        created_at=(post.created_at or NOW) + timedelta(seconds=number),
        counts=CommentCounts(likes=post.counts.likes),
        source=post.source,
        parser_version=1,
    )


def documents(name: str, wanted: int, parsed: Sequence[Post]) -> list[Line]:
    """Return the lines of one set: "posts", "slim posts" (no raw JSON) or "comments"."""
    if name == "comments":
        made = (_comment(post, number) for number in range(9) for post in parsed)
        return [line_of(comment) for _, comment in zip(range(wanted), made, strict=False)]
    kept = parsed[:wanted]
    if name == "slim posts":
        kept = [msgspec.structs.replace(post, raw=None) for post in kept]
    return [line_of(post) for post in kept]


class Files(msgspec.Struct, frozen=True):
    """One set of documents in the forms that the clients start with, all of the same bytes."""

    lines: Path  # for our sender
    pairs: Path  # action and source by turns, for the clients of Elastic
    bodies: Path  # of one megabyte
    count: int
    size: int  # of all documents


def written(lines: Sequence[Line], prefix: str, folder: Path) -> Files:
    """Write a set of documents where a client finds it."""
    folder.mkdir()
    files = Files(
        folder / "lines",
        folder / "pairs",
        folder / "bodies",
        len(lines),
        sum(len(line.body) for line in lines),
    )
    files.lines.write_bytes(msgspec.msgpack.encode(lines))
    parts: list[bytes] = []
    end = 0
    while end < len(lines):
        part = entries(prefix, lines, end)
        if part.refused:
            raise SystemExit(f"documents of the benchmark are refused: {part.refused}")
        parts.append(part.body)
        end = part.end
    whole = b"".join(parts)
    files.pairs.write_bytes(whole)
    files.bodies.write_bytes(msgspec.msgpack.encode(list(bodies(whole))))
    return files


def bodies(whole: bytes) -> Iterator[bytes]:
    """Cut a bulk body into requests of one megabyte, between two documents."""
    size, parts = 0, []
    rows = whole.split(b"\n")[:-1]
    for action, source in zip(rows[::2], rows[1::2], strict=True):
        parts += [action, source]
        size += len(action) + len(source) + 2
        if size >= BODY:
            yield b"\n".join([*parts, b""])
            size, parts = 0, []
    if parts:
        yield b"\n".join([*parts, b""])
