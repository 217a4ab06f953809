"""Retry-After in all the forms servers send, and what they send instead."""

from datetime import UTC, datetime

import pytest

from ingestor.retry_after import retry_after

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("90", 90.0),
        (" 1.5 ", 1.5),
        ("0", 0.0),
        ("1000000000", 86_400.0),
        ("1e9", 86_400.0),
        ("inf", 86_400.0),
        ("-5", None),
        ("nan", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("Mon, 01 Jun 2026 12:01:30 GMT", 90.0),
        ("Mon, 01 Jun 2026 14:01:30 +0200", 90.0),
        ("Mon, 01 Jun 2026 12:01:30", 90.0),
        ("Mon, 01 Jun 2020 12:00:00 GMT", 0.0),
        ("Mon, 01 Jun 2099 12:00:00 GMT", 86_400.0),
        ("Mon, 99 Jun 2026 12:00:00 GMT", None),
    ],
)
def test_the_wait_is_within_a_day_or_unknown(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds
