"""Several opinions on a value pooled into one probability, their weights learned."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
Ids = npt.NDArray[np.integer[Any]]

RIDGE = 1.0  # inverse variance of a weight around its start; 0.3 and 3 give the same answers
STEPS = 50  # of Newton; it ends by itself after 5 to 10
HALVINGS = 20  # of a step that went too far
ENOUGH = 1e-4  # nats to gain: what chance leaves open is some ten thousand times as much


class Pool(NamedTuple):
    """What was learned: weights of the opinions, and what each value gets besides.

    All values share the weights: a value that few accounts have needs none of its own.
    """

    weights: F64  # (2, opinions): plain, and times the standardised trait: whom to believe differs
    offsets: F64  # (2, values): likewise

    def probabilities(self, opinions: F64, trait: F64, prior: F64) -> F64:
        """Return the probability of each value, shape (n, values), rows sum to 1.

        opinions: logarithms of how much likelier than at random, shape (opinions, n, values).
        trait: one standardised number an account, shape (n,). prior: shape (values,).
        """
        trusts = self.weights[0][:, None] + self.weights[1][:, None] * trait
        offsets = self.offsets[0] + trait[:, None] * self.offsets[1]
        return _softmax(np.log(prior) + offsets + np.einsum("fnk,fn->nk", opinions, trusts))


def learned(opinions: F64, trait: F64, values: Ids, prior: F64) -> Pool:
    """Return the pool under which the known values are likeliest, drawn to equal weights.

    values: shape (n,), the number of each account's value. Newton's method on a convex loss: 10
    passes over the pairs of opinions. Source: a logarithmic opinion pool (Genest and Zidek 1986),
    fitted as a conditional logit.
    """
    views, _, count = opinions.shape
    truth = np.eye(count)[values]
    start = np.zeros((2, views + count))
    start[0, :views] = 1.0 / views

    def loss(point: F64) -> tuple[float, F64]:
        found = _pool(point, views).probabilities(opinions, trait, prior)
        likely = float(np.log(np.maximum(found[truth > 0.0], 1e-300)).sum())
        return RIDGE * float(((point - start) ** 2).sum()) / 2.0 - likely, found

    point, (least, found) = start, loss(start)
    for _ in range(STEPS):
        slope = _slope(opinions, trait, found - truth) + RIDGE * (point - start)
        bend = _bend(opinions, trait, found) + RIDGE * np.eye(start.size)
        step = np.linalg.solve(bend, slope.ravel()).reshape(start.shape)
        if float((slope * step).sum()) < ENOUGH:
            break
        lower, found = loss(point - step)
        for _ in range(HALVINGS):
            if lower <= least:
                break
            step = step / 2.0
            lower, found = loss(point - step)
        point, least = point - step, lower
    return _pool(point, views)


def _pool(point: F64, views: int) -> Pool:
    """Return the pool whose numbers stand in two rows: plain, and times the trait."""
    return Pool(point[:, :views], point[:, views:])


def _slope(opinions: F64, trait: F64, wrong: F64) -> F64:
    """Return how the loss changes with each number of the pool."""
    parts = np.concatenate([np.einsum("fnk,nk->fn", opinions, wrong), wrong.T])
    return np.stack([parts.sum(axis=1), (parts * trait).sum(axis=1)])


def _bend(opinions: F64, trait: F64, found: F64) -> F64:
    """Return how the slope changes with each number of the pool: covariances, summed up."""
    centred = opinions - np.einsum("fnk,nk->fn", opinions, found)[:, :, None]
    plain, once, twice = (
        _covariances(centred, found * power[:, None], found)
        for power in (np.ones(len(trait)), trait, trait**2)
    )
    return np.block([[plain, once], [once, twice]])


def _covariances(centred: F64, weighed: F64, found: F64) -> F64:
    """Return the covariances of opinions and values under the probabilities, summed up.

    weighed: the probabilities times a number for each account.
    """
    likely = centred * weighed
    # Sums without BLAS: its threads wait for each other longer than they add.
    both = np.einsum("fnk,gnk->fg", likely, centred)
    mixed = likely.sum(axis=1)
    values = np.diag(weighed.sum(axis=0)) - np.einsum("nk,nl->kl", weighed, found)
    return np.block([[both, mixed], [mixed.T, values]])


def _softmax(scores: F64) -> F64:
    """Return scores as probabilities."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    found: F64 = powers / powers.sum(axis=1, keepdims=True)
    return found
