"""A polled page as records, whoever read it: what a kernel read is told by its rows."""

import msgspec

from ingestor.contract import Page, Rows
from ingestor.rows import COMMENT, POST, PROFILE, REPOST, TAG
from lake.lines import record_of
from lake.records import Record

TABLES = {PROFILE: "profiles", TAG: "tags", POST: "posts", REPOST: "posts", COMMENT: "comments"}


def told(page: Page) -> Page:
    """Return the page with its records. A post that stands in both sections is in the recent."""
    rows = page.rows
    if rows is None:
        return page
    recent = set(rows.recent)
    kept: dict[str, list[Record]] = {name: [] for name in (*TABLES.values(), "top")}
    for row, kind in enumerate(rows.kinds):
        table = TABLES[kind]
        section = "top" if table == "posts" and row not in recent else table
        kept[section].append(_record(rows, row, table))
    found = {section: tuple(records) for section, records in kept.items()}
    return msgspec.structs.replace(page, rows=None, **found)


def _record(rows: Rows, row: int, table: str) -> Record:
    return record_of(table, rows.body(row, rows.handles[row], rows.followers[row]))
