"""The Retry-After header in all the forms servers send."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST = 86_400.0  # seconds; a server that says 10^9 means "go away", and we look again tomorrow


def retry_after(value: str | None, now: datetime) -> float | None:
    """Return the seconds to wait from `now`, within 0 and a day; None if the server did not say.

    Takes seconds, also with a fraction, and HTTP dates; a date that passed is 0, nonsense is None.

    >>> retry_after("1000000000", datetime(2026, 1, 1, tzinfo=UTC))
    86400.0
    """
    wish = (value or "").strip()
    if not wish:
        return None
    try:
        seconds = float(wish)
    except ValueError:
        return _until(wish, now)
    if seconds != seconds or seconds < 0:  # NaN, or a fault of the server
        return None
    return min(seconds, LONGEST)


def _until(wish: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(wish)
    except (ValueError, TypeError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), LONGEST)
