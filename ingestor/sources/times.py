"""Instants as networks write them: epoch seconds, RFC 3339, zones without a colon, none at all."""

from datetime import UTC, datetime, timedelta

FIRST_YEAR = 2000  # no network we read is older: an earlier time is a client's claim or a fault
AHEAD = timedelta(days=1)  # clocks differ, but not by more


def instant(value: object) -> datetime | None:
    """Return the aware instant in UTC that `value` names, None if it names none.

    Numbers and strings of digits are epoch seconds; a time without a zone is UTC.
    """
    if isinstance(value, bool) or value is None:
        return None
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        if not isinstance(value, str):
            return None
        if value.isascii() and value.isdecimal():
            return datetime.fromtimestamp(int(value), UTC)
        return _aware(datetime.fromisoformat(value))
    except (ValueError, OverflowError, OSError):
        return None


def _aware(moment: datetime) -> datetime:
    """Return the instant in UTC; without a zone it is UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def plausible(moment: datetime, now: datetime) -> bool:
    """Return whether something may have been published at `moment`, seen at `now`."""
    return moment.year >= FIRST_YEAR and moment - now <= AHEAD
