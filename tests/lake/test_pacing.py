"""The pace of a sender: up slowly, down at once."""

import random

from lake.pacing import Pace


def pace() -> Pace:
    return Pace(rng=random.Random(1))


def test_width_rises_with_each_success_at_first() -> None:
    ours, widths = pace(), []
    for _ in range(5):
        ours.succeeded()
        widths.append(ours.width)
    assert widths == [2, 3, 4, 4, 4]


def test_width_rises_by_one_a_round_of_successes_after_a_refusal() -> None:
    ours, widths = pace(), []
    ours.overloaded()
    for _ in range(12):
        ours.succeeded()
        widths.append(ours.width)
    assert widths == [2, 2, 2, 3, 3, 3, 4, 4, 4, 4, 4, 4]


def test_overload_halves_the_width() -> None:
    ours = pace()
    for _ in range(20):
        ours.succeeded()
    ours.overloaded()
    assert ours.width == 2


def test_a_failing_lake_gets_one_probe_at_a_time() -> None:
    ours = pace()
    for _ in range(20):
        ours.succeeded()
    ours.failed(ours.round)
    assert ours.width == 1
    ours.succeeded()
    assert ours.width == 2


def test_requests_that_fail_together_count_once() -> None:
    ours = pace()
    waits = [ours.failed(0) for _ in range(4)]
    assert max(waits) <= 0.5


def test_back_off_doubles_with_jitter_up_to_its_cap() -> None:
    ours = pace()
    waits = [ours.failed(ours.round) for _ in range(10)]
    ceilings = [0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0]
    assert all(top / 2 <= wait <= top for wait, top in zip(waits, ceilings, strict=True))


def test_after_an_outage_of_hours_the_lake_is_found_again_within_seconds() -> None:
    ours = pace()
    waits = [ours.failed(ours.round) for _ in range(10_000)]
    assert max(waits) <= 5.0


def test_the_wish_of_the_lake_is_obeyed_within_reason() -> None:
    assert 7.0 <= pace().failed(0, retry_after=7.0) <= 7.7
    assert 60.0 <= pace().failed(0, retry_after=1e9) <= 66.0
