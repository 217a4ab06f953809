import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.allocation import allocate, delays

RATES = st.lists(st.floats(0, 1e4), min_size=1, max_size=40)


def test_polls_follow_the_square_root_of_the_rate() -> None:
    assert allocate([1.0, 4.0, 9.0], capacity=12.0) == pytest.approx([2.0, 4.0, 6.0])


def test_priority_multiplies_the_share() -> None:
    assert allocate([1.0, 1.0], capacity=8.0, priorities=[1.0, 3.0]) == pytest.approx([2.0, 6.0])


def test_a_quiet_target_keeps_its_floor() -> None:
    polls = allocate([0.0, 400.0], capacity=10.0, floor=0.5)
    assert polls == pytest.approx([0.5, 9.5])


def test_what_the_ceiling_frees_goes_to_the_others() -> None:
    assert allocate([10_000.0, 1.0], capacity=70.0, ceiling=60.0) == pytest.approx([60.0, 10.0])


def test_a_busy_target_is_polled_before_its_page_overflows() -> None:
    polls = allocate([700.0, *[1.0] * 99], capacity=60.0, page_size=50)
    assert polls[0] == pytest.approx(20.0)


def test_an_unknown_rate_counts_as_the_median() -> None:
    polls = allocate([math.nan, 4.0, 4.0], capacity=9.0)
    assert polls == pytest.approx([3.0, 3.0, 3.0])


def test_capacity_that_nobody_can_use_is_left() -> None:
    assert allocate([5.0], capacity=1_000.0, ceiling=60.0) == pytest.approx([60.0])


def test_floors_that_do_not_fit_are_shared_out() -> None:
    polls = allocate([1.0] * 4, capacity=0.4, floor=0.25)
    assert polls == pytest.approx([0.1] * 4)


def test_no_capacity_means_no_polls() -> None:
    assert allocate([1.0, 2.0], capacity=0.0).tolist() == [0.0, 0.0]


def test_nothing_to_watch_needs_nothing() -> None:
    assert allocate([], capacity=10.0).tolist() == []


@given(RATES, st.floats(0.01, 1e4))
def test_capacity_is_never_exceeded(rates: list[float], capacity: float) -> None:
    polls = allocate(rates, capacity=capacity, page_size=50)
    assert polls.sum() <= capacity * (1 + 1e-12)


@given(RATES, st.floats(1, 1e4))
def test_a_livelier_target_is_never_polled_less(rates: list[float], capacity: float) -> None:
    polls = allocate(sorted(rates), capacity=capacity, page_size=50)
    assert (np.diff(polls) >= -1e-9).all()


def test_square_root_is_at_least_1_8_times_fresher_than_equal_shares() -> None:
    rates = 1000.0 / np.arange(1, 601)  # Zipf 1 over 600 tags; 1.85 without bounds
    ours = allocate(rates, capacity=4_000.0)
    fixed = np.full(600, 4_000 / 600)
    ratio = (rates * delays(fixed)).sum() / (rates * delays(ours)).sum()
    assert ratio > 1.7


def test_a_hundred_thousand_targets_take_less_than_a_second() -> None:
    rates = np.random.default_rng(1).lognormal(0, 2, 100_000)
    start = time.process_time()
    allocate(rates, capacity=200_000.0, page_size=50)
    assert time.process_time() - start < 1.0


def test_mean_delay_is_half_an_interval() -> None:
    assert delays([60.0, 1.0]).tolist() == [30.0, 1800.0]


def test_a_target_that_fills_a_page_in_seconds_is_asked_as_often() -> None:
    polls = allocate([90_000.0, 1.0], capacity=40_000.0, page_size=100)
    assert polls == pytest.approx([90_000 / 70, 60.0])
    scarce = allocate([90_000.0, 1.0], capacity=500.0, page_size=100)
    assert scarce == pytest.approx([498.34, 1.66], rel=1e-3)  # 300 to 1, as the roots of the rates
