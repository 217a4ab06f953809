"""An attribute of accounts from their neighbours in a graph: country, type of page, language.

People follow their like, so what is known of some accounts says something of the accounts around
them. How much differs by attribute and graph, so it is measured every time: a prediction is better
than the commonest value for everybody, or it is not made.

Sensitive attributes (religion, health, politics, sexuality, origin, age) are opt-in: no worker
runs this module by itself, and an operator who uses it for one may keep and show `aggregate`
alone, never a single account's value.
"""

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from insights.errors import BadRequest
from insights.pooling import Pool, learned
from insights.propagation import Surroundings

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]
Ids = npt.NDArray[np.integer[Any]]

FOLDS = 5
FEWEST_KNOWN = 50  # below, neither a model nor its error can be told
BINS = 15  # of the calibration error, as in Guo 2017
SMALLEST_GROUP = 20  # a smaller one may tell of persons
NORMAL_95 = 1.96


class Attribute(msgspec.Struct, frozen=True, kw_only=True):
    """What is predicted of every account, and how good it is on accounts whose value was hidden.

    values: int64 (n,), the known value, the predicted one, or -1: unknown, since no value is
    likely enough. probabilities: float64 (n, values), rows sum to 1; the known ones' 0 and 1.
    known: bool (n,). accuracy: share of hidden values told right without abstaining.
    baseline: the same for the commonest value told of everybody. calibration_error: mean distance
    between a probability and how often it is right, in 15 bins; about 0.02 for a perfect forecast
    of 1,000 accounts, and less for more. better: whether the accuracy is above the baseline by
    more than two standard errors; if not, every probability is the value's share among the known
    accounts and every unknown value stays unknown.
    """

    values: I64
    probabilities: F64
    known: npt.NDArray[np.bool_]
    accuracy: float
    baseline: float
    calibration_error: float
    better: bool


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """How many accounts have a value: an estimate with its 95 % interval."""

    value: int
    accounts: float
    low: float
    high: float


def predict(
    edges: tuple[Ids, Ids],
    known: Ids,
    *,
    weights: F64 | None = None,
    least: float = 0.5,
    seed: int = 0,
) -> Attribute:
    """Return an attribute of every account by those of its neighbours, near and far.

    edges: the two accounts of each edge, in [0, n). known: the number of each account's value,
    from 0, or -1 where it is not known, shape (n,). weights: of the edges, above 0. least: the
    probability below which a value stays unknown; 0 never abstains. What is learned from a known
    account is learned with its own value hidden. Deterministic for a seed. A few hundred
    products of the graph with the values: 2 s of CPU for 170,000 edges and 4 values.
    Raises BadRequest with fewer than 50 known accounts or a single value.
    """
    values = np.asarray(known, np.int64)
    _check(values)
    around = Surroundings(*edges, weights, len(values))
    told = np.flatnonzero(values >= 0)
    prior = _prior(values[told], int(values.max()) + 1)
    folds = _folds(values[told], np.random.default_rng(seed))
    opinions = _hidden(around, values, told, folds)
    trait = _standardised(around.neighbours)
    tested = _tested(opinions, trait[told], values[told], prior, folds)
    right = (tested.argmax(axis=1) == values[told]).astype(np.float64)
    usual = (values[told] == prior.argmax()).astype(np.float64)
    better = _is_better(right, usual)
    found = np.tile(prior, (len(values), 1))
    if better:
        pool = learned(opinions, trait[told], values[told], prior)
        found = pool.probabilities(_evidence(around, values, len(prior)), trait, prior)
    found[told] = np.eye(len(prior))[values[told]]
    return Attribute(
        values=_values(found, values, least if better else 2.0),
        probabilities=found,
        known=values >= 0,
        accuracy=float(right.mean()),
        baseline=float(usual.mean()),
        calibration_error=calibration_error(tested, values[told]),
        better=better,
    )


def calibration_error(probabilities: F64, truth: Ids) -> float:
    """Return the expected calibration error of the likeliest values: 0 to 1, 0 is best.

    probabilities: shape (n, values). truth: shape (n,). Source: Naeini 2015, Guo 2017.
    """
    sure = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    bins = np.minimum((sure * BINS).astype(np.int64), BINS - 1)
    gaps = np.bincount(bins, right - sure, BINS)
    return float(np.abs(gaps).sum() / len(sure))


def aggregate(attribute: Attribute, accounts: Ids | None = None) -> list[Group]:
    """Return how many of some accounts have each value, the largest group first.

    accounts: their numbers; None for all. A count sums probabilities: nobody is told to be
    anything. Its interval is that of the sum, widened by the calibration error. Groups below 20
    accounts are left out, and so is the smallest other if what is left out could be worked out
    from the whole.
    """
    chosen = np.arange(len(attribute.known)) if accounts is None else np.unique(accounts)
    shares = attribute.probabilities[chosen]
    unsure = int((~attribute.known[chosen]).sum()) * attribute.calibration_error
    counts = shares.sum(axis=0)
    widths = NORMAL_95 * np.sqrt((shares * (1.0 - shares)).sum(axis=0)) + unsure
    return [
        Group(
            value=int(value),
            accounts=float(counts[value]),
            low=float(max(0.0, counts[value] - widths[value])),
            high=float(min(len(chosen), counts[value] + widths[value])),
        )
        for value in _shown(counts)
    ]


def _shown(counts: F64) -> I64:
    """Return the values that may be shown, the commonest first."""
    order = np.argsort(-counts, kind="stable")
    shown: I64 = order[counts[order] >= SMALLEST_GROUP]
    hidden = counts[order[len(shown) :]]
    if hidden.sum() > 0.0 and hidden.sum() < SMALLEST_GROUP:
        return shown[:-1]
    return shown


def _check(values: I64) -> None:
    """Raise BadRequest if nothing can be learned from what is known."""
    told = values[values >= 0]
    if len(told) < FEWEST_KNOWN:
        raise BadRequest("known", len(told), f"tell the value of {FEWEST_KNOWN} accounts or more")
    if len(np.unique(told)) < 2:
        raise BadRequest("known", int(told[0]), "tell accounts of two values or more")


def _prior(told: I64, count: int) -> F64:
    """Return the share of each value; one that nobody has gets what a half of an account has."""
    counts = np.maximum(np.bincount(told, minlength=count), 0.5)
    found: F64 = counts / counts.sum()
    return found


def _folds(told: I64, dice: np.random.Generator) -> I64:
    """Return a fold for each known account, each value spread evenly over the folds."""
    shuffled = dice.permutation(len(told))
    by_value = shuffled[np.argsort(told[shuffled], kind="stable")]
    folds = np.empty(len(told), np.int64)
    folds[by_value] = np.arange(len(told)) % FOLDS
    return folds


def _evidence(around: Surroundings, values: I64, count: int) -> F64:
    """Return what the surroundings say, from these known values."""
    told = np.flatnonzero(values >= 0)
    rows = np.zeros((len(values), count))
    rows[told, values[told]] = 1.0
    return around.evidence(rows, _prior(values[told], count))


def _hidden(around: Surroundings, values: I64, told: I64, folds: I64) -> F64:
    """Return what the surroundings of each known account say while its own value is hidden."""
    count = int(values.max()) + 1
    found: list[F64] = []
    for fold in range(FOLDS):
        masked = values.copy()
        masked[told[folds == fold]] = -1
        found.append(_evidence(around, masked, count)[:, told[folds == fold]])
    order = np.argsort(np.concatenate([np.flatnonzero(folds == fold) for fold in range(FOLDS)]))
    return np.concatenate(found, axis=1)[:, order]


def _tested(opinions: F64, trait: F64, told: I64, prior: F64, folds: I64) -> F64:
    """Return probabilities for each known account from a pool that was learned without its fold."""
    found = np.empty((len(told), len(prior)))
    for fold in range(FOLDS):
        out = folds == fold
        pool: Pool = learned(opinions[:, ~out], trait[~out], told[~out], prior)
        found[out] = pool.probabilities(opinions[:, out], trait[out], prior)
    return found


def _is_better(right: F64, usual: F64) -> bool:
    """Return whether more values are told right than the commonest is, by two standard errors."""
    gain = right - usual
    error = float(gain.std(ddof=1)) / len(gain) ** 0.5
    return bool(gain.mean() > 2.0 * error)


def _standardised(neighbours: I64) -> F64:
    """Return the logarithm of how many neighbours an account has, mean 0, deviation 1."""
    logs = np.log1p(neighbours.astype(np.float64))
    deviation = float(logs.std())
    return (logs - logs.mean()) / deviation if deviation > 0.0 else np.zeros(len(logs))


def _values(found: F64, values: I64, least: float) -> I64:
    """Return the known values, and the likeliest where it is likely enough."""
    likeliest = np.where(found.max(axis=1) >= least, found.argmax(axis=1), -1)
    return np.where(values >= 0, values, likeliest).astype(np.int64)
