"""Texts that networks' servers send in some fields, put into trees before these are mutated."""

import random
from collections.abc import Iterator, Sequence
from typing import Any

Json = Any

TIMES = (
    *("2019-12-08T03:48:33.901Z", "2025-05-19T17:10:09.561858Z", "2024-02-29T23:59:59Z"),
    *("2023-02-29T00:00:00Z", "2025-05-19T17:10:09+00:00", "2025-05-19T17:10:09.1Z", "2025-05-19"),
    *(
        "2025-05-19 17:10:09Z",
        "2025-05-19T24:00:00Z",
        "2025-05-19T17:10:60Z",
        "1999-12-31T23:59:59Z",
    ),
    *("2000-01-01T00:00:00Z", "2026-11-22T12:00:30.123456Z", "2026-11-22T12:00:30.123457Z"),
    *("2025-05-19T17:10:09.561+00:00", "2025-05-19T17:10:09.5618Z", "2025-05-19T17:10:09-05:00"),
    *(
        "2025-05-19T17:10:09",
        "20250519T171009Z",
        "2025-05-19T17:10:09.561858123Z",
        "0000-01-01T00:00:00Z",
    ),
    *(
        "2025-05-19T17:10:09.+00:00",
        "2025-13-19T17:10:09Z",
        "2025-05-19T17:10Z",
        "١٩٩٩-01-01T00:00:00Z",
    ),
)


def seasoned(seed: int, wanted: int, trees: Sequence[Json], texts: Sequence[str]) -> Iterator[Json]:
    """Yield so many trees, in each some strings replaced by those a network could send there."""
    chance = random.Random(seed)
    for _ in range(wanted):
        yield _replaced(chance, chance.choice(trees), (*texts, *TIMES))


def _replaced(chance: random.Random, tree: Json, texts: Sequence[str]) -> Json:
    if isinstance(tree, dict):
        return {key: _replaced(chance, value, texts) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_replaced(chance, value, texts) for value in tree]
    return chance.choice(texts) if isinstance(tree, str) and chance.random() < 0.03 else tree
