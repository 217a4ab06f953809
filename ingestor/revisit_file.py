"""The part of the spool file that remembers which posts to ask for directly, and when."""

import sqlite3
from collections.abc import Iterable, Sequence

import msgspec
from isal import isal_zlib

SCHEMA = """
CREATE TABLE IF NOT EXISTS revisit (
  id TEXT PRIMARY KEY, due INTEGER NOT NULL, rung INTEGER NOT NULL, lane TEXT NOT NULL,
  body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS revisit_due ON revisit (due);
"""
LIMIT = 50_000  # posts; more are not revisited, pages still show them


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """One post to ask for at `due` (milliseconds), for the rung-th time; `body` is the post as
    JSON.
    """

    id: str
    due: int
    rung: int
    lane: str  # through which it was found
    body: bytes


class RevisitTable:
    """The table of visits. Its writes belong to the transaction of whoever calls."""

    def __init__(self, db: sqlite3.Connection, *, limit: int = LIMIT) -> None:
        self._db = db
        self._limit = limit
        self._count = int(db.execute("SELECT count(*) FROM revisit").fetchone()[0])

    def put(self, visits: Iterable[Visit]) -> None:
        """Plan the first visit of new posts; of known ones only the body is renewed."""
        for one in visits:
            body = isal_zlib.compress(one.body, 1)
            known = self._db.execute("UPDATE revisit SET body = ? WHERE id = ?", (body, one.id))
            if not known.rowcount and self._count < self._limit:
                row = (one.id, one.due, one.rung, one.lane, body)
                self._db.execute("INSERT INTO revisit VALUES (?, ?, ?, ?, ?)", row)
                self._count += 1

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
