import random
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestor.schedule import Due, Schedule, replan
from ingestor.turns import Turns


def made(targets: int = 1, lane: str = "a", **terms: object) -> Schedule:
    schedule = Schedule(rng=random.Random(1))
    for number in range(targets):
        schedule.put(f"t{number}", lane, now=0.0, **terms)  # type: ignore[arg-type] # fields
    return schedule


def next_due(schedule: Schedule, now: float, lane: str = "a") -> Due:
    schedule.ripen(now)
    due = schedule.pop(lane)
    assert due is not None
    return due


def answer(
    schedule: Schedule, due: Due, now: float, *, new: int = 0, overflow: bool = False
) -> float:
    return schedule.done(due, now=now, new=new, seconds=3600.0, requests=1, overflow=overflow)


def test_new_targets_are_due_within_a_minute() -> None:
    schedule = made(50)
    schedule.ripen(60.0)
    assert schedule.waiting("a") == 50


def test_a_few_new_targets_are_due_at_once_and_thousands_are_spread_over_a_minute() -> None:
    few, many = made(3), made(5000)
    few.ripen(0.15)
    assert few.waiting("a") == 3
    waiting = []
    for seconds in (1.0, 30.0, 60.0):
        many.ripen(seconds)
        waiting.append(many.waiting("a"))
    assert waiting[0] < 250
    assert 2000 < waiting[1] < 3500
    assert waiting[2] == 5000


def test_a_target_comes_back_after_its_interval_give_or_take_a_tenth() -> None:
    schedule = made()
    schedule.plan("a", hourly=6.0, now=0.0)
    assert schedule.interval("t0") == pytest.approx(600.0)
    again = [answer(schedule, next_due(schedule, now), now) - now for now in (1e3, 3e3, 5e3, 7e3)]
    assert all(540.0 <= seconds <= 660.0 for seconds in again)
    assert len(set(again)) == 4


def test_rates_follow_the_square_root_of_new_posts() -> None:
    schedule = made(2)
    for hour in range(1, 60):
        for _ in range(2):
            due = next_due(schedule, hour * 3600.0)
            answer(schedule, due, hour * 3600.0, new=16 if due.key == "t0" else 1)
        for slot in range(2):
            schedule._set(slot, (hour + 1) * 3600.0)  # what the timetable held before is void
    assert schedule.rate("t0") == pytest.approx(16.0, rel=0.05)
    assert schedule.rate("t1") == pytest.approx(1.0, rel=0.05)
    schedule.plan("a", hourly=10.0, now=60 * 3600.0)
    assert schedule.interval("t1") / schedule.interval("t0") == pytest.approx(4.0, rel=0.05)


def learned(posts: list[int]) -> list[float]:
    """Return the estimated rate after each of some hourly polls."""
    schedule, rates = made(), []
    schedule.plan("a", hourly=2.0, now=0.0)
    for hour, new in enumerate(posts):
        answer(schedule, next_due(schedule, 3600.0 * (hour + 1)), 3600.0 * (hour + 1), new=new)
        rates.append(schedule.rate("t0"))
    return rates


def test_the_rate_of_a_quiet_target_is_learned_from_days() -> None:
    rng = random.Random(3)
    rates = learned([int(rng.random() < 0.1) for _ in range(2000)])[200:]
    mean = sum(rates) / len(rates)
    scatter = (sum((rate - mean) ** 2 for rate in rates) / len(rates)) ** 0.5 / mean
    assert mean == pytest.approx(0.1, rel=0.3)
    # A memory of h hours over Poisson arrivals scatters by 1 / sqrt(2 * rate * h): by 65 % for 12
    # hours at this rate, by 23 % for 96.
    assert scatter < 0.4


def test_the_end_of_a_campaign_is_noticed_within_a_day() -> None:
    assert learned([20] * 60 + [0] * 24)[-1] < 4


def test_an_overflow_halves_the_wait() -> None:
    schedule = made()
    schedule.plan("a", hourly=6.0, now=0.0)
    again = answer(schedule, next_due(schedule, 100.0), 100.0, new=50, overflow=True)
    assert 270.0 <= again - 100.0 <= 330.0


def test_failures_back_off_to_an_hour_and_one_answer_ends_that() -> None:
    schedule, now, waits = made(), 100.0, []
    for _ in range(9):
        again = schedule.failed(next_due(schedule, now), now=now)
        waits.append(again - now)
        now = again
    expected = [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert waits == [pytest.approx(seconds, rel=0.11) for seconds in expected]
    answer(schedule, next_due(schedule, now), now)
    assert schedule.failed(next_due(schedule, now + 100), now=now + 100) - now - 100 < 34


def test_a_postponed_target_counts_its_delay_from_when_it_was_due() -> None:
    schedule = made()
    due = next_due(schedule, 60.0)
    schedule.postpone(due, now=60.0, seconds=500.0)
    assert schedule.waiting("a") == 0
    assert next_due(schedule, 600.0).since == due.since


def test_targets_that_wait_too_long_are_told_once() -> None:
    schedule = made(3)
    schedule.ripen(60.0)
    assert len(schedule.late(now=5000.0, seconds=3600.0)) == 3
    assert schedule.late(now=5001.0, seconds=3600.0) == []
    assert len(schedule.late(now=8601.0, seconds=3600.0)) == 3


def test_every_missed_poll_is_told_once_however_often_it_is_asked() -> None:
    schedule = made()
    schedule.plan("a", hourly=4.0, now=0.0)  # every 900 seconds
    schedule.ripen(60.0)
    told = []
    for now in (3601.0, 5000.0, 7300.0, 7400.0, 36_100.0):
        told += [due.missed(now) for due in schedule.late(now=now, seconds=3600.0)]
    assert told == [4, 4, 32]
    assert next_due(schedule, 36_200.0).missed(36_200.0) == 0


def test_a_postponed_target_that_moves_to_another_lane_is_late_all_the_same() -> None:
    schedule = made()
    due = next_due(schedule, 60.0)
    schedule.postpone(due, now=60.0, seconds=500.0)
    schedule.put("t0", "b", now=500.0)
    assert next_due(schedule, 560.0, "b").since == due.since


def test_a_dropped_target_is_not_polled_even_if_it_was_due() -> None:
    schedule = made(2)
    schedule.ripen(60.0)
    polled = schedule.pop("a")
    assert polled is not None
    for key in ("t0", "t1"):
        schedule.drop(key)
    assert schedule.pop("a") is None
    answer(schedule, polled, 61.0)
    schedule.ripen(1e6)
    assert (schedule.pop("a"), len(schedule)) == (None, 0)


def test_a_target_that_moves_to_another_lane_is_due_there_within_a_minute() -> None:
    schedule = made()
    schedule.failed(next_due(schedule, 60.0), now=60.0, seconds=86_400.0)
    schedule.put("t0", "b", now=60.0)
    schedule.ripen(120.0)
    assert schedule.pop("a") is None
    assert next_due(schedule, 120.0, "b").key == "t0"


def test_a_plan_brings_targets_forward_that_are_too_far_away() -> None:
    schedule = made()
    schedule.plan("a", hourly=0.25, now=0.0)
    answer(schedule, next_due(schedule, 60.0), 60.0)
    schedule.plan("a", hourly=60.0, now=100.0)
    schedule.ripen(130.0)
    assert schedule.waiting("a") == 1


def test_polls_that_need_several_requests_are_planned_less_often() -> None:
    schedule = made()
    answer(schedule, next_due(schedule, 60.0), 60.0)
    for poll in range(1, 40):
        due = next_due(schedule, 60.0 + 4000.0 * poll)
        schedule.done(due, now=60.0 + 4000.0 * poll, new=0, seconds=1.0, requests=4, overflow=False)
    schedule.plan("a", hourly=8.0, now=160_000.0)
    assert schedule.interval("t0") == pytest.approx(1800.0, rel=0.1)
    assert schedule.load("a") == pytest.approx(8.0)


def test_what_only_the_first_poll_of_a_target_costs_is_not_planned() -> None:
    schedule = made(5)
    for _ in range(5):
        due = next_due(schedule, 60.0)
        schedule.done(due, now=60.0, new=0, seconds=1.0, requests=3, overflow=False)
    schedule.plan("a", hourly=20.0, now=60.0)
    assert schedule.interval("t0") == pytest.approx(900.0)


def test_a_lane_without_a_plan_has_nothing_to_spare() -> None:
    assert made().load("a") == made().load("unknown") == float("inf")


def test_higher_priority_is_polled_more_often() -> None:
    schedule = made(1, priority=1.0)
    schedule.put("vip", "a", now=0.0, priority=3.0)
    schedule.plan("a", hourly=8.0, now=0.0)
    assert schedule.interval("t0") / schedule.interval("vip") == pytest.approx(3.0)


@given(st.lists(st.integers(0, 3), max_size=60), st.integers(0, 2**32))
def test_every_target_is_in_exactly_one_place(steps: list[int], seed: int) -> None:
    schedule, rng, now = made(5), random.Random(seed), 0.0
    polling: list[Due] = []
    for step in steps:
        now += rng.uniform(0, 100)
        schedule.ripen(now)
        if step == 0 and (due := schedule.pop("a")) is not None:
            polling.append(due)
        elif polling and step == 1:
            answer(schedule, polling.pop(), now)
        elif polling and step == 2:
            schedule.failed(polling.pop(), now=now)
        elif polling:
            schedule.postpone(polling.pop(), now=now, seconds=5.0)
    schedule.ripen(now + 1e5)
    assert schedule.waiting("a") + len(polling) == 5


def test_a_target_costs_at_most_230_bytes() -> None:
    count = 20_000
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        schedule = Schedule(rng=random.Random(1))
        for number in range(count):
            schedule.put(f"mastodon/tag/name{number}", f"lane{number % 20}", now=0.0)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(schedule) == count
    assert (after - before) / count <= 230


def test_a_tenant_with_a_million_targets_does_not_starve_one_with_ten() -> None:
    turns = Turns()
    for slot in range(100_000):
        turns.add("big", slot)
    for slot in range(10):
        turns.add("small", 200_000 + slot)
    first = [turns.pop() for _ in range(20)]
    assert sum(slot is not None and slot >= 200_000 for slot in first) == 10


def test_a_tenant_of_double_weight_has_two_turns_of_three() -> None:
    turns = Turns({"a": 2.0, "b": 1.0})
    for slot in range(300):
        turns.add("a" if slot < 150 else "b", slot)
    first = [turns.pop() for _ in range(90)]
    assert sum(slot is not None and slot < 150 for slot in first) == 60


def test_a_tenant_that_was_away_has_saved_up_no_turns() -> None:
    turns = Turns()
    turns.add("b", 99)
    assert turns.pop() == 99
    for slot in range(50):
        turns.add("a", slot)
    for _ in range(40):
        turns.pop()
    for slot in (100, 101, 102):
        turns.add("b", slot)
    assert [turns.pop() for _ in range(4)].count(100) == 1
    assert len(turns) == 9


async def test_a_flood_is_believed_at_once_and_asked_for_before_its_page_is_full() -> None:
    schedule = Schedule(rng=random.Random(1))
    schedule.put("bluesky/tag/flood", "lane", now=0.0)
    await replan(schedule, "lane", hourly=60_000.0, page_size=100.0, now=0.0)
    schedule.ripen(60.0)
    due = schedule.pop("lane")
    assert due is not None
    schedule.done(due, now=60.0, new=600, seconds=25.0, requests=7, overflow=False)
    await replan(schedule, "lane", hourly=60_000.0, page_size=100.0, now=60.0)
    assert 75_000 < schedule.rate("bluesky/tag/flood") < 86_400  # that many an hour
    assert 2.9 < schedule.interval("bluesky/tag/flood") < 3.4  # seconds: 70 of a page of 100
