from datetime import timedelta

from fakes.village import START
from ingestor.accounting import Accounts, gap
from lake.lines import record_of
from lake.records import Gap, Poll

KEY = "mastodon/tag/nike"


def polls(lines: list[object]) -> list[Poll]:
    return [record_of(line.table, line.body) for line in lines]  # type: ignore[attr-defined,misc] # lines


def test_only_hours_that_moved_are_reported() -> None:
    accounts = Accounts(observer="one.1")
    accounts.hour(KEY, START).planned += 2
    (poll,) = polls(accounts.report(START))
    assert (poll.id, poll.planned) == (f"{KEY}@2026-01-01T00@one.1", 2)
    assert accounts.report(START) == []
    accounts.hour(KEY, START).made += 1
    (poll,) = polls(accounts.report(START + timedelta(minutes=5)))
    assert (poll.planned, poll.made) == (2, 1)


def test_of_two_lines_of_one_instant_the_later_one_wins() -> None:
    accounts = Accounts(observer="one.1")
    accounts.hour(KEY, START).planned += 1
    (planned,) = polls(accounts.report(START))
    accounts.hour(KEY, START).made += 1
    (made,) = polls([accounts.line(KEY, START)])
    assert planned.id == made.id
    assert made.observed_at - planned.observed_at == timedelta(milliseconds=1)


def test_an_hour_that_is_over_is_reported_once_more_and_forgotten() -> None:
    accounts = Accounts(observer="one.1")
    accounts.hour(KEY, START).planned += 1
    assert len(accounts.report(START + timedelta(hours=1))) == 1
    assert accounts.report(START + timedelta(hours=2)) == []


def test_what_comes_to_an_hour_after_its_last_report_adds_to_it() -> None:
    accounts = Accounts(observer="one.1")
    accounts.hour(KEY, START).made += 3
    later = START + timedelta(hours=2)
    ids = [poll.id for poll in polls(accounts.report(later))]
    accounts.plan(KEY, [START, START + timedelta(minutes=5)])
    (late,) = polls(accounts.report(later))
    accounts.plan(KEY, [START], count=-1)
    (again,) = polls(accounts.report(later))
    ids += [late.id, again.id]
    assert (late.planned, late.made, again.planned) == (2, 0, -1)
    assert ids == [f"{KEY}@2026-01-01T00@one.1{part}" for part in ("", "+1", "+2")]


def test_limited_seconds_fall_into_their_own_hours() -> None:
    accounts = Accounts(observer="one.1")
    half = timedelta(minutes=30)
    accounts.limited(KEY, START + half, START + half + timedelta(hours=2))
    seconds = {poll.hour: poll.rate_limited_seconds for poll in polls(accounts.report(START))}
    assert seconds == {
        START: 1800.0,
        START + timedelta(hours=1): 3600.0,
        START + timedelta(hours=2): 1800.0,
    }


def test_a_gap_is_named_by_its_target_and_start() -> None:
    until = START + timedelta(minutes=4)
    line = gap(KEY, "down", stretch=(START, until), now=until, missed=2, detail="503: down")
    assert record_of(line.table, line.body) == Gap(
        id=f"{KEY}@1767225600000",
        network="mastodon",
        observed_at=until,
        target=KEY,
        reason="down",
        detail="503: down",
        since=START,
        until=until,
        polls_missed=2,
    )
