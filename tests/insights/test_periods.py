"""Whom and when a report compares."""

from datetime import timedelta

from fakes.campaign_world import END, NOW, START, campaign, day
from insights.periods import header, instant_of, periods, sides, where_of


def test_periods_lie_side_by_side() -> None:
    found = periods(campaign(), NOW)
    assert [(name, period.since, period.until) for name, period in found.items()] == [
        ("baseline", START - timedelta(days=7), START),
        ("during", START, END),
        ("after", END, END + timedelta(days=7)),
    ]


def test_a_period_that_runs_is_cut_off_and_a_later_one_is_not_there() -> None:
    found = periods(campaign(), day(10, 12))
    assert list(found) == ["baseline", "during"]
    assert (found["during"].until, found["during"].days) == (day(10, 12), 2.5)


def test_without_baseline_days_there_is_no_baseline() -> None:
    assert list(periods(campaign(baseline_days=0, after_days=0), NOW)) == ["during"]


def test_the_brand_comes_first_and_each_side_has_its_own_filter() -> None:
    brand, adidas, _ = sides(campaign(profiles=("nikerunning",)))
    assert (brand.name, brand.brand, adidas.brand) == ("nike", True, False)
    assert where_of(campaign(), brand).handles == ("nikerunning",)
    assert where_of(campaign(), adidas).tags == ("adidas",)
    assert where_of(campaign(), brand).exclude_kinds == ("repost",)
    assert where_of(campaign(), brand, reposts=True).kinds == ("repost",)


def test_times_are_whole_milliseconds_as_lakes_keep_them() -> None:
    assert instant_of(NOW + timedelta(microseconds=1999), None) == NOW + timedelta(milliseconds=1)


def test_the_header_says_what_the_report_is_about() -> None:
    found = header(campaign(), now=NOW, as_of=day(20))
    assert (found.instant, found.as_of, found.revision) == (day(20), day(20), 1)
    assert [side.name for side in found.sides] == ["nike", "adidas", "puma"]
    assert header(campaign(), now=NOW, as_of=None).as_of is None
