import numpy as np

from insights.figures.seriation import in_blocks


def test_rows_that_share_much_stand_together() -> None:
    group = np.array([0, 1, 0, 1, 0, 2])
    shares = np.where(group[:, None] == group[None], 0.4, 0.01)
    order = in_blocks(shares)
    assert sorted(order) == [0, 1, 2, 3, 4, 5]
    assert [int(group[row]) for row in order] in ([2, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 2])


def test_runs_are_turned_so_that_what_meets_shares_most() -> None:
    shares = np.eye(4)
    for one, other, share in ((0, 1, 0.9), (2, 3, 0.8), (0, 3, 0.3)):
        shares[one, other] = shares[other, one] = share
    assert in_blocks(shares) in ([1, 0, 3, 2], [2, 3, 0, 1])


def test_one_row_and_none() -> None:
    assert in_blocks(np.ones((1, 1))) == [0]
    assert in_blocks(np.ones((0, 0))) == []


def test_rows_that_share_nothing_are_all_there() -> None:
    assert sorted(in_blocks(np.zeros((5, 5)))) == [0, 1, 2, 3, 4]
