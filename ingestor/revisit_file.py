"""The part of the spool file that remembers which posts to ask for directly, and when."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from isal import isal_zlib

from ingestor.recent import Recent

SCHEMA = """
CREATE TABLE IF NOT EXISTS revisit (
  id TEXT PRIMARY KEY, due INTEGER NOT NULL, rung INTEGER NOT NULL, lane TEXT NOT NULL,
  body BLOB NOT NULL);
DROP INDEX IF EXISTS revisit_due;
"""
LIMIT = 50_000  # posts; more are not revisited, pages still show them
HOUR = 3_600_000  # milliseconds
# First visits planned for one hour: about twice what can be made in it. Of a flood of posts the
# rest would come so late that no rung of the ladder is near.
HOURLY = 2_400


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """One post to ask for at `due` (milliseconds), for the rung-th time; `body` is the post as
    JSON, or empty if the page that it comes with has it as a line.
    """

    id: str
    due: int
    rung: int
    lane: str  # through which it was found
    body: bytes = b""


Row = tuple[str, int, int, str, bytes]  # the fields of Visit, its body compressed


class RevisitTable:
    """The table of visits. Its writes belong to the transaction of whoever calls."""

    def __init__(self, db: sqlite3.Connection, *, limit: int = LIMIT, hourly: int = HOURLY) -> None:
        self._db = db
        self._limit = limit
        self._hourly = hourly
        self._ids = Recent(limit)
        self._hours: Counter[int] = Counter()
        self.recount()

    def recount(self) -> None:
        """Count anew what the table holds."""
        self._count = 0
        self._hours.clear()
        for key, due in self._db.execute("SELECT id, due FROM revisit"):
            self._note(key, due)

    def _note(self, key: str, due: int) -> None:
        self._ids.add(key)
        self._count += 1
        self._hours[due // HOUR] += 1

    def plan(self, visits: Iterable[Visit], bodies: Mapping[str, bytes]) -> tuple[Row, ...]:
        """Return the rows of those visits that there is room for; of known posts only the body is
        renewed. A visit without a body is of a post in `bodies`.
        """
        rows = []
        for one in visits:
            if one.id not in self._ids:
                full = self._count >= self._limit or self._hours[one.due // HOUR] >= self._hourly
                if full:
                    continue
                self._note(one.id, one.due)
            body = isal_zlib.compress(one.body or bodies[one.id], 1)
            rows.append((one.id, one.due, one.rung, one.lane, body))
        return tuple(rows)

    def put(self, rows: Iterable[Row]) -> None:
        """Keep planned visits; a known post keeps the visit it has."""
        self._db.executemany(
            "INSERT INTO revisit VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            rows,
        )

    def due(self, now: int, limit: int, lanes: Sequence[str]) -> list[Visit]:
        """Return the visits that are due through some lanes, the longest overdue first."""
        rows = self._db.execute(
            "SELECT id, due, rung, lane, body FROM revisit WHERE due <= ?"
            " AND lane IN (SELECT value FROM json_each(?)) ORDER BY due, id LIMIT ?",
            (now, msgspec.json.encode(lanes).decode(), limit),
        )
        return [
            Visit(id=key, due=due, rung=rung, lane=lane, body=isal_zlib.decompress(body))
            for key, due, rung, lane, body in rows
        ]

    def move(self, steps: Sequence[tuple[str, int | None, int]]) -> None:
        """Move posts to their next rung: (id, due, rung); without a due time they are forgotten."""
        for key, due, rung in steps:
            if due is None:
                self._count -= self._db.execute("DELETE FROM revisit WHERE id = ?", (key,)).rowcount
            else:
                change = "UPDATE revisit SET due = ?, rung = ? WHERE id = ?"
                self._db.execute(change, (due, rung, key))
