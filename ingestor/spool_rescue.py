"""Opening a spool file that a crash, a full disk or a bad block may have damaged."""

import contextlib
import sqlite3
from pathlib import Path

import structlog

from ingestor.spool_file import InUse, SpoolFile, in_use

TABLES = ("spool", "cursor", "seen", "dead_letters", "revisit", "wanted", "meta")

log = structlog.get_logger()


def open_spool(path: Path, *, cap_bytes: int, seen_limit: int = 200_000) -> SpoolFile:
    """Return the open spool; what is readable of a damaged file is copied into a new one first.

    The damaged file stays beside it as `<name>.damaged-N`. A torn write-ahead log needs no rescue:
    SQLite itself goes back to its last whole transaction. Raises InUse if the file is not ours to
    move.
    """
    if path.exists() and not _sound(path):
        if in_use(path):
            raise InUse(f"{path.name} is damaged, and another process has it open")
        _rescue(path, cap_bytes=cap_bytes)
    return SpoolFile(path, cap_bytes=cap_bytes, seen_limit=seen_limit)


def _sound(path: Path) -> bool:
    try:
        with contextlib.closing(sqlite3.connect(path)) as db:
            return bool(db.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except sqlite3.DatabaseError:
        return False


def _rescue(path: Path, *, cap_bytes: int) -> None:
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for suffix in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    path.rename(aside)
    SpoolFile(path, cap_bytes=cap_bytes).close()
    with contextlib.closing(sqlite3.connect(path)) as new:
        saved = {table: _copy(aside, new, table) for table in TABLES}
        new.commit()
    log.error("spool was damaged", kept_aside=aside.name, **saved)


def _copy(aside: Path, new: sqlite3.Connection, table: str) -> int:
    """Copy the rows of a table that can be read, from its beginning and from its end; return how
    many.
    """
    copied = 0
    with contextlib.closing(sqlite3.connect(aside)) as old:
        for order in ("ASC", "DESC"):
            with contextlib.suppress(sqlite3.DatabaseError):
                for row in old.execute(f"SELECT * FROM {table} ORDER BY 1 {order}"):  # noqa: S608
                    marks = ",".join("?" * len(row))
                    done = new.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", row)  # noqa: S608
                    copied += done.rowcount
    return copied
