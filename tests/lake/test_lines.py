"""From records to lines and back."""

import msgspec

from fakes.observations import at, post, rollup, snapshot
from lake.lines import line_of, record_of


def test_a_record_with_its_raw_document_comes_back_from_its_line() -> None:
    record = post("instagram:1", raw=msgspec.Raw(b'{"a": [1, "\\u00e9"]}'))
    assert record_of("posts", line_of(record).body) == record


def test_a_record_without_a_raw_document_comes_back_without_one() -> None:
    for record in (post("instagram:1"), rollup("c", "n", b"{}")):
        line = line_of(record)
        assert record_of(line.table, line.body) == record


def test_month_and_version_come_from_the_record() -> None:
    line = line_of(post("instagram:1", created_at=at("2026-03-31T23:59:59+00:00")))
    assert (line.table, line.version, line.month) == ("posts", 1772452800000, "2026.03")
    assert line_of(post("instagram:1")).month == "undated"
    assert line_of(snapshot("instagram:1", at("2026-04-01"))).month == "2026.04"
