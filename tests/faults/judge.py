"""A provider that counts: `python -m faults.judge`. It answers Mastodon's timelines to accounts.

Every request is written down as simnet's judge does, refused ones too, and exact sliding windows
refuse what is too much, without a word on what is left: the client has only its own count.
`/__seen` tells the instants of all requests by account, `/__judge` simnet's verdicts.

Every answer is a page of one new post with another page behind it, so the wish for requests never
ends and what is used of a budget is the client's doing.
"""

import argparse
import asyncio
import itertools
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import pairwise

import msgspec
from aiohttp import web

from simnet.budgets import Window
from simnet.judge import Judge, Record

TIMELINE = "/api/v1/timelines/tag/{tag}"


class Asked(msgspec.Struct):
    """What the provider saw, by account; instants are milliseconds of the monotonic clock."""

    at: dict[str, list[int]]
    tags: dict[str, list[str]]
    ports: dict[str, list[int]]  # the client's own
    refused: int

    @property
    def requests(self) -> int:
        """Return how many requests arrived."""
        return sum(len(stamps) for stamps in self.at.values())


class Provider:
    """One provider with a budget for each account it meets."""

    def __init__(self, *, limit: int, window: float) -> None:
        self.judge = Judge()
        self.tags: dict[str, list[str]] = {}
        self.ports: dict[str, list[int]] = {}
        self.late: dict[str, float] = {}  # seconds an account's answers take
        self._budget = (limit, window)
        self._windows: dict[str, Window] = {}
        self._numbers = itertools.count(1)

    async def answer(self, request: web.Request) -> web.Response:
        """Count a request; refuse it, or answer with one more post."""
        now = time.monotonic_ns() // 1_000_000
        account = request.headers.get("authorization", "Bearer nobody").removeprefix("Bearer ")
        tag = request.match_info["tag"]
        record = self.judge.saw(account, now, window=self._budget)
        self.tags.setdefault(account, []).append(tag)
        self.ports.setdefault(account, []).append(_port(request))
        if account in self.late:
            await asyncio.sleep(self.late[account])
        if not self._windows.setdefault(account, Window(*self._budget)).grant(now):
            record.refused += 1
            return web.json_response({"error": "Too many requests"}, status=429)
        number = next(self._numbers)
        link = f'<http://provider{request.path}?max_id={number}>; rel="next"'
        return web.json_response([status(number, tag)], headers={"Link": link})

    async def seen(self, _: web.Request) -> web.Response:
        """Tell all that was asked."""
        records = self.judge.records
        asked = Asked(
            at={name: list(record.stamps) for name, record in records.items()},
            tags=self.tags,
            ports=self.ports,
            refused=sum(record.refused for record in records.values()),
        )
        return web.Response(body=msgspec.json.encode(asked), content_type="application/json")

    async def judged(self, _: web.Request) -> web.Response:
        """Tell simnet's verdicts."""
        body = msgspec.json.encode(self.judge.report())
        return web.Response(body=body, content_type="application/json")

    def app(self) -> web.Application:
        """Return the application."""
        app = web.Application()
        app.router.add_get(TIMELINE, self.answer)
        app.router.add_get("/__seen", self.seen)
        app.router.add_get("/__judge", self.judged)
        return app


def _port(request: web.Request) -> int:
    return int(request.transport.get_extra_info("peername")[1]) if request.transport else 0


def status(number: int, tag: str) -> dict[str, object]:
    """Return a status as small as Mastodon's may be."""
    url = f"https://provider.example/@someone/{number}"
    account = {
        "id": "1", "username": "someone", "acct": "someone", "display_name": "Someone",
        "url": "https://provider.example/@someone", "uri": "https://provider.example/@someone",
    }  # fmt: skip
    return {
        "id": str(number), "uri": url, "url": url, "created_at": datetime.now(UTC).isoformat(),
        "content": f"<p>#{tag}</p>", "visibility": "public", "language": "en", "spoiler_text": "",
        "sensitive": False, "favourites_count": 0, "reblogs_count": 0, "replies_count": 0,
        "tags": [{"name": tag, "url": f"https://provider.example/tags/{tag}"}],
        "media_attachments": [], "mentions": [], "emojis": [], "account": account,
    }  # fmt: skip


def worst_share(asked: Asked, *, limit: int, window: float) -> float:
    """Return the fullest window of any account, as a share of what it may hold."""
    return max((_record(stamps, limit, window).worst() / limit for stamps in asked.at.values()),
               default=0.0)  # fmt: skip


def _record(stamps: list[int], limit: int, window: float) -> Record:
    record = Record(limit, window)
    record.stamps.extend(sorted(stamps))
    return record


def used_share(
    asked: Asked,
    *,
    limit: int,
    window: float,
    stretches: Mapping[str, list[tuple[int, int]]],
) -> float:
    """Return requests made in some stretches of time as a share of those the provider allowed.

    stretches: by account, from and until in milliseconds.
    """
    made = allowed = 0.0
    for account, spans in stretches.items():
        stamps = asked.at.get(account, [])
        for since, until in spans:
            made += sum(since <= at < until for at in stamps)
            allowed += limit * (until - since) / 1000 / window
    return made / allowed if allowed else 0.0


def longest_pause(stamps: list[int]) -> float:
    """Return the longest time between two requests, in seconds."""
    return max((b - a for a, b in pairwise(stamps)), default=0) / 1000


def main() -> None:
    """Serve as the command line says, until a signal ends it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--limit", type=int, required=True)
    parser.add_argument("--window", type=float, required=True)
    asked = parser.parse_args()
    provider = Provider(limit=asked.limit, window=asked.window)
    web.run_app(provider.app(), host="127.0.0.1", port=asked.port, print=None, access_log=None)


if __name__ == "__main__":
    main()
