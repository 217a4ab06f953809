"""Several opinions on a value pooled into one probability, their weights learned."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

F64 = npt.NDArray[np.float64]
Ids = npt.NDArray[np.integer[Any]]

RIDGE = 3  # inverse variance of a weight around its start: one account's worth of doubt
STEPS = 200  # of the search; it ends by itself before


class Pool(NamedTuple):
    """What was learned: weights of the opinions, and what each value gets besides.

    All values share the weights: a value that few accounts have needs none of its own.
    """

    weights: F64  # (opinions, 2): plain, and times the standardised trait: whom to believe differs
    offsets: F64  # (2, values): likewise

    def probabilities(self, opinions: F64, trait: F64, prior: F64) -> F64:
        """Return the probability of each value, shape (n, values), rows sum to 1.

        opinions: logarithms of how much likelier than at random, shape (n, values, opinions).
        trait: one standardised number an account, shape (n,). prior: shape (values,).
        """
        weighed = opinions.reshape(-1, opinions.shape[2]) @ self.weights
        plain, sloped = weighed.T.reshape(2, len(opinions), -1) + self.offsets[:, None]
        return _softmax(np.log(prior) + plain + trait[:, None] * sloped)


def learned(opinions: F64, trait: F64, values: Ids, prior: F64) -> Pool:
    """Return the pool under which the known values are likeliest, drawn to equal weights.

    values: shape (n,), the number of each account's value. About 100 passes over the opinions.
    Source: a logarithmic opinion pool (Genest and Zidek 1986), fitted as a conditional logit.
    """
    _, count, views = opinions.shape
    whiten = _whitening(opinions)
    sharp = opinions @ whiten
    start = np.zeros(2 * (views + count))
    start[:views] = np.linalg.solve(whiten, np.full(views, 1.0 / views))
    metric = RIDGE * np.eye(len(start))
    for side in (slice(views), slice(views, 2 * views)):
        metric[side, side] = RIDGE * whiten.T @ whiten
    at, truth = np.arange(len(values)), np.eye(count)[values]
    flat = sharp.reshape(-1, views).T

    def loss(point: F64) -> tuple[float, F64]:
        found = _pool(point, views).probabilities(sharp, trait, prior)
        likely = float(np.log(np.maximum(found[at, values], 1e-300)).sum())
        away, wrong = metric @ (point - start), found - truth
        both = np.stack([wrong, wrong * trait[:, None]])
        slope = np.concatenate([(flat @ side.ravel()) for side in both] + list(both.sum(axis=1)))
        return float(away @ (point - start)) / 2.0 - likely, slope + away

    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    pool = _pool(np.asarray(found.x), views)
    return Pool(whiten @ pool.weights, pool.offsets)


def _whitening(opinions: F64) -> F64:
    """Return the matrix that makes opinions uncorrelated: the search then takes a tenth of the
    steps, for the reaches of a graph say nearly the same.
    """
    flat = opinions.reshape(-1, opinions.shape[2])
    sizes, axes = np.linalg.eigh(flat.T @ flat / len(flat))
    found: F64 = axes / np.sqrt(np.maximum(sizes, 1e-6 * sizes.max() + 1e-12))
    return found


def _pool(point: F64, views: int) -> Pool:
    """Return the pool whose numbers stand in one row."""
    return Pool(point[: 2 * views].reshape(2, views).T, point[2 * views :].reshape(2, -1))


def _softmax(scores: F64) -> F64:
    """Return scores as probabilities."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    found: F64 = powers / powers.sum(axis=1, keepdims=True)
    return found
