"""A page that two answers make: profiles asked for by name, and behind them a page of posts."""

import msgspec

from ingestor.contract import Page, Rows
from ingestor.known import CountTuple
from ingestor.rows import PROFILE, RecordRows
from lake.records import Profile


def with_profiles(page: Page, profiles: tuple[Profile, ...]) -> Page:
    """Return the page with these profiles in front, instead of its own sight of the same ones."""
    if page.rows is not None:
        first = RecordRows(Page(profiles=profiles))
        return msgspec.structs.replace(page, rows=_JoinedRows(first, page.rows))
    known = {profile.id for profile in profiles}
    others = tuple(profile for profile in page.profiles if profile.id not in known)
    return msgspec.structs.replace(page, profiles=profiles + others)


class _JoinedRows:
    """The rows of profiles, and behind them those of a page without the same profiles."""

    def __init__(self, profiles: Rows, page: Rows) -> None:
        known = set(profiles.ids)
        shown = zip(page.kinds, page.ids, strict=True)
        kept = [row for row, (kind, key) in enumerate(shown) if kind != PROFILE or key not in known]
        self._rows = [(profiles, row) for row in range(len(profiles.ids))]
        self._rows += [(page, row) for row in kept]
        self.at = page.at
        self.kinds = bytes(rows.kinds[row] for rows, row in self._rows)
        self.ids = [rows.ids[row] for rows, row in self._rows]
        self.authors = [rows.authors[row] for rows, row in self._rows]
        self.handles = [rows.handles[row] for rows, row in self._rows]
        self.followers = [rows.followers[row] for rows, row in self._rows]
        self.counts = [rows.counts[row] for rows, row in self._rows]
        self.created = [rows.created[row] for rows, row in self._rows]
        self.contents = [rows.contents[row] for rows, row in self._rows]
        places = {row: place for place, row in enumerate(kept, start=len(profiles.ids))}
        self.recent = [places[row] for row in page.recent]

    def body(self, row: int, handle: str | None, followers: int | None) -> bytes:
        """Return a row's record as JSON, a post's author named as given."""
        rows, place = self._rows[row]
        return rows.body(place, handle, followers)

    def snapshot(
        self,
        row: int,
        handle: str | None,
        observer: str,
        previous: int | None,
        delta: CountTuple | None,
    ) -> bytes:
        """Return the snapshot of a profile or post as JSON; `previous` in milliseconds."""
        rows, place = self._rows[row]
        return rows.snapshot(place, handle, observer, previous, delta)
