from hypothesis import given
from hypothesis import strategies as st

from ingestor.budget import Budget, pad_of
from ingestor.contract import Allowance


def paid(limit: int = 200, window: float = 3600.0) -> Budget:
    """A budget whose registry accepts everything."""
    budget = Budget(limit=limit, window=window)
    budget.prepay(0.0, 10**9)
    budget._prepaid_until = float("inf")
    return budget


def spend(budget: Budget, now: float, count: int) -> int:
    """Make up to `count` requests that are answered at once; return how many were granted."""
    granted = 0
    for _ in range(count):
        if budget.reserve(now) == 0.0:
            budget.ended(now)
            granted += 1
    return granted


@given(
    st.integers(1, 20),
    st.lists(st.tuples(st.floats(0, 30), st.integers(1, 8)), max_size=60),
)
def test_no_window_ever_holds_more_than_the_limit(
    limit: int, steps: list[tuple[float, int]]
) -> None:
    budget, now, granted = paid(limit, 60.0), 0.0, []
    for pause, wishes in steps:
        now += pause
        granted += [now] * spend(budget, now, wishes)
    for end in granted:
        assert sum(end - 60.0 <= at <= end for at in granted) <= limit


@given(
    st.integers(1, 6),
    st.lists(
        st.tuples(st.floats(0, 30), st.floats(0, 100), st.floats(0, 1)), min_size=1, max_size=60
    ),
)
def test_no_delay_on_the_way_puts_one_too_many_into_a_window(
    limit: int, steps: list[tuple[float, float, float]]
) -> None:
    budget, now = paid(limit, 60.0), 0.0
    arrivals: list[float] = []
    ends: list[float] = []
    for pause, seconds, share in steps:
        now += pause
        while ends and ends[0] <= now:
            budget.ended(ends.pop(0))
        if budget.reserve(now) == 0.0:
            arrivals.append(now + seconds * share)
            ends = sorted([*ends, now + seconds])
    for end in arrivals:
        assert sum(end - 60.0 <= at <= end for at in arrivals) <= limit


def test_a_request_on_its_way_stays_in_the_window_until_it_has_ended() -> None:
    budget = paid(limit=1, window=60.0)
    assert budget.reserve(0.0) == 0.0
    assert budget.reserve(500.0) == 61.0
    budget.ended(500.0)
    assert budget.reserve(560.0) == 1.0
    assert budget.reserve(561.0) == 0.0


def test_limit_is_used_up_and_returns_after_the_padded_window() -> None:
    budget = paid()
    assert spend(budget, 0.0, 250) == 200
    assert budget.reserve(10.0) == 3650.0
    assert spend(budget, 3659.9, 1) == 0
    assert spend(budget, 3660.0, 250) == 200


def test_small_windows_have_small_pads() -> None:
    assert (pad_of(3600.0), pad_of(300.0), pad_of(3.6)) == (60.0, 5.0, 0.1)


def test_nothing_is_granted_that_the_registry_has_not_accepted() -> None:
    budget = Budget(limit=200, window=3600.0)
    assert budget.reserve(0.0) > 0.0
    assert budget.unpaid(0.0) == 1
    budget.prepay(0.0, 5)
    assert spend(budget, 1.0, 9) == 5
    assert budget.unpaid(1.0) == 6


def test_a_chunk_lapses_after_half_the_window() -> None:
    budget = Budget(limit=200, window=3600.0)
    budget.prepay(0.0, 5)
    assert spend(budget, 1800.0, 1) == 1
    assert spend(budget, 1800.1, 1) == 0
    assert budget.unpaid(1800.1) == 2


def test_a_chunk_of_the_last_holder_that_has_not_lapsed_counts_from_its_end() -> None:
    budget = paid(limit=10)
    budget.spent_before([-100.0] * 10, now=0.0)
    assert budget.reserve(0.0) == 3760.0


def test_a_new_holder_counts_what_the_old_one_spent() -> None:
    budget = paid()
    budget.spent_before([10.0] * 150 + [3000.0] * 49 + [5000.0], now=0.0)
    assert spend(budget, 0.0, 10) == 1
    assert budget.reserve(0.0) == 660.0


def test_the_networks_headers_win_when_they_tell_less() -> None:
    budget = paid()
    budget.heard(Allowance(limit=300, remaining=2, reset=100.0), now=0.0)
    assert spend(budget, 0.0, 10) == 2
    assert budget.reserve(1.0) == 99.0
    assert spend(budget, 100.0, 1) == 1


def test_the_networks_headers_never_raise_our_own_count() -> None:
    budget = paid(limit=5)
    budget.heard(Allowance(remaining=1000, reset=60.0), now=0.0)
    assert spend(budget, 0.0, 10) == 5


def test_percentages_are_read_as_shares_of_our_limit() -> None:
    budget = paid()
    budget.heard(Allowance(used_percent=99.0), now=0.0)
    assert spend(budget, 0.0, 10) == 2


def test_a_percentage_binds_only_until_the_window_has_slid_on() -> None:
    budget = paid()
    budget.heard(Allowance(used_percent=99.0), now=0.0)
    assert spend(budget, 0.0, 10) == 2
    budget.heard(Allowance(used_percent=90.0), now=10.0)  # what was used long ago has left it
    assert spend(budget, 10.0, 30) == 20
    assert budget.wait(11.0) == 179.0
    assert budget.wait(200.0) == 0.0


def test_a_refusal_halves_the_ceiling_which_comes_back_by_the_hour() -> None:
    budget = paid()
    budget.throttled(0.0)
    budget.throttled(0.0)
    assert budget.ceiling == 50
    budget.recover(3599.0)
    assert budget.ceiling == 50
    budget.recover(2 * 3600.0)
    assert budget.ceiling == 70
    budget.recover(100 * 3600.0)
    assert budget.ceiling == 200
