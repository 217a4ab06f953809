"""The overlap of audiences laid out as a grid: which account stands in which line and column."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from insights.audiences.reach import Overlap
from insights.figures.handles import handle_of, plain, shortened
from insights.figures.seriation import in_blocks

Row = dict[str, Any]

_COLUMNS = 8  # at least, so that three accounts do not become three wide bars
_SHADES = (5, 10, 20, 30, 50, 75, 100)  # per cent where the darkest shade may stand


class Grid(NamedTuple):
    """What is drawn. Lines from the top: a network, below it its accounts with their numbers; each
    line's text is different. Columns from the left: 0 and up, in each network from 0.
    """

    lines: list[str]
    heads: list[Row]  # the numbers of the accounts above their columns
    cells: list[Row]  # without an account beside itself
    columns: int
    accounts: int

    @property
    def darkest(self) -> int:
        """Return the share that has the darkest shade: what is shared is seldom near 100 %."""
        most = max((cell["overlap"] for cell in self.cells), default=0)
        return next(step for step in _SHADES if most <= step)

    @property
    def told(self) -> str:
        """Return the grid in words."""
        pairs = [cell for cell in self.cells if cell["below"]]
        best = sorted(pairs, key=lambda cell: (-cell["overlap"], cell["down"], cell["across"]))[:3]
        said = "; ".join(f"{one['down']} and {one['across']} {one['overlap']:g} %" for one in best)
        return f"Overlap of the audiences of {self.accounts} publishers. Most shared: {said}."


def grid_of(parts: Sequence[Overlap]) -> Grid:
    """Return the grid of some networks' overlaps. The accounts bear running numbers."""
    grid = Grid([], [], [], max([_COLUMNS, *(len(part.members) for part in parts)]), 0)
    for part in parts:
        grid = _with(grid, part)
    return grid


def _with(grid: Grid, part: Overlap) -> Grid:
    """Return the grid with one more network at its end."""
    order = _order(part)
    numbers = range(grid.accounts + 1, grid.accounts + 1 + len(order))
    whole = [handle_of(part.members[place].account) for place in order]
    short = shortened(whole, part.reach.network)
    lines = [f"{number} {name}" for number, name in zip(numbers, short, strict=True)]
    head = part.reach.network
    return Grid(
        lines=[*grid.lines, head, *lines],
        heads=[
            *grid.heads,
            *(
                {"line": head, "column": at, "text": str(number), "account": plain(name)}
                for at, (number, name) in enumerate(zip(numbers, whole, strict=True))
            ),
        ],
        cells=grid.cells + _cells(part, order, lines, whole),
        columns=grid.columns,
        accounts=grid.accounts + len(order),
    )


def _cells(part: Overlap, order: list[int], lines: list[str], whole: list[str]) -> list[Row]:
    """Return the cells of one network."""
    cells = []
    for down, row in enumerate(order):
        for across, column in enumerate(order):
            share = part.overlap_percent[row][column]
            if row == column or share is None:  # None: nobody follows one of the two
                continue
            low, high = part.low_percent[row][column], part.high_percent[row][column]
            cells.append(
                {
                    "line": lines[down],
                    "column": across,
                    "down": plain(whole[down]),
                    "across": plain(whole[across]),
                    "overlap": share,
                    "range": "counted" if low == high else f"{low:g} to {high:g} %",
                    "text": f"{share:.0f}" if share >= 0.5 else "",
                    "below": down > across,
                }
            )
    return cells


def _order(part: Overlap) -> list[int]:
    """Return the members so that those that share much stand together."""
    rows = [[share or 0.0 for share in row] for row in part.overlap_percent]
    return in_blocks(np.array(rows, dtype=np.float64))
