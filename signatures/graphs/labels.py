"""What a community is about: the terms its accounts' bios, names and tags have and others' lack."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from signatures.errors import BadArray

Ids = npt.NDArray[np.integer[Any]]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

_LINK = re.compile(r"\b(?:https?://|www\.)\S+", re.IGNORECASE)
# Letters and digits with the marks that belong to them: `\w` alone ends Hindi and Thai words at
# their vowels, and Persian ones at the joiner inside.
_WORD = re.compile(
    r"[\w\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0900-\u0963\u0966-\u0dff"
    r"\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1-\u0ebc\u1000-\u1049\u1780-\u17d3\u200c\u200d']+"
)
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]+")  # kana and Han: no spaces between words
SHORTEST = 2  # letters of a term
FEWEST_ACCOUNTS = 2  # that share a term: what one account alone says labels nobody


class Term(NamedTuple):
    """A term of a community: `accounts` of its accounts have it, `share` of them."""

    term: str
    score: float
    accounts: int
    share: float


def label(documents: Sequence[Iterable[str]], groups: Ids, *, most: int = 5) -> list[list[Term]]:
    """Return the terms that tell each community from the others, the best first, at most `most`.

    documents: the terms of each account (`terms_of` its bio, name and tags), n of them; what an
    account repeats counts once, so nobody shouts a label. groups: the community of each account,
    -1 for none, shape (n,). Score: the share of the community's accounts that have the term times
    log(1 + accounts of a mean community / accounts anywhere that have it) squared, class-based
    TF-IDF with accounts for words: a word that everybody uses scores near 0 without a list of stop
    words. (Squared, for otherwise "the" labels an English community among others.) A term needs 2
    accounts of the community; equal scores stand in the terms' order. Raises BadArray. Source:
    Grootendorst 2022 (arXiv 2203.05794), by accounts.

    >>> found = label([["ski", "the"], ["the", "ski"], ["sea", "the"], ["sea"]],
    ...               np.array([0, 0, 1, 1]), most=1)
    >>> [terms[0].term for terms in found]
    ['ski', 'sea']
    """
    lists = [list(document) for document in documents]
    names = sorted({term for terms in lists for term in terms})
    numbers = {term: number for number, term in enumerate(names)}
    owners = np.repeat(np.arange(len(lists)), [len(terms) for terms in lists])
    terms = np.array([numbers[term] for terms in lists for term in terms], np.int64)
    community, term, accounts, scores, shares = top_terms(owners, terms, groups, most=most)
    found: list[list[Term]] = [[] for _ in range(int(np.max(groups, initial=-1)) + 1)]
    for row in range(len(term)):
        found[community[row]].append(
            Term(names[term[row]], float(scores[row]), int(accounts[row]), float(shares[row]))
        )
    return found


class TopTerms(NamedTuple):
    """The best terms of all communities as columns of equal length: by community, best first."""

    community: I64
    term: I64
    accounts: I64
    score: F64
    share: F64


def top_terms(documents: Ids, terms: Ids, groups: Ids, *, most: int = 5) -> TopTerms:
    """Return what `label` does for pairs of an account's and a term's number, repeats allowed.

    documents, terms: shape (m,), from 0. groups: shape (n,), every document's number below n.
    Equal scores stand in the order of the terms' numbers. O(m log m). Raises BadArray.
    """
    owners, spoken = _pairs(documents, terms, len(groups))
    width = int(spoken.max(initial=-1)) + 1
    everywhere = np.bincount(spoken, minlength=width)
    places = np.asarray(groups, np.int64)[owners]
    inside = places >= 0
    found, accounts = np.unique(places[inside] * width + spoken[inside], return_counts=True)
    kept = accounts >= FEWEST_ACCOUNTS
    found, accounts = found[kept], accounts[kept]
    community, term = np.divmod(found, max(width, 1))
    sizes = _speakers(owners, np.asarray(groups))
    share = accounts / sizes[community]
    score = share * np.log1p(sizes.mean() / everywhere[term]) ** 2 if len(term) else share
    order = np.lexsort((term, -score, community))
    first = np.searchsorted(community[order], community[order])
    order = order[np.arange(len(order)) - first < most]
    return TopTerms(community[order], term[order], accounts[order], score[order], share[order])


def _pairs(documents: Ids, terms: Ids, n: int) -> tuple[I64, I64]:
    """Return each pair of an account and a term once. Raises BadArray."""
    owners, spoken = np.asarray(documents, np.int64), np.asarray(terms, np.int64)
    if owners.shape != spoken.shape or owners.ndim != 1:
        raise BadArray("terms", spoken.shape, f"give one for each of {owners.size} documents")
    if owners.size and not 0 <= int(owners.min()) <= int(owners.max()) < n:
        raise BadArray("documents", int(owners.max()), f"number the {n} accounts from 0")
    if spoken.size and spoken.min() < 0:
        raise BadArray("terms", int(spoken.min()), "number the terms from 0")
    width = int(spoken.max(initial=-1)) + 1
    once = np.unique(owners * width + spoken)
    owners, spoken = np.divmod(once, max(width, 1))
    return owners, spoken


def _speakers(owners: I64, groups: Ids) -> I64:
    """Return how many accounts of each community have a term at all: silence tells nothing."""
    speaking = groups[np.unique(owners)]
    return np.bincount(speaking[speaking >= 0], minlength=int(groups.max(initial=-1)) + 1)


def terms_of(text: str) -> list[str]:
    """Return the words of a bio, name or tag, in order: NFKC, case folded, no links, no numbers.

    A hashtag or handle counts as its word. Chinese and Japanese runs become pairs of characters.
    """
    plain = unicodedata.normalize("NFKC", _LINK.sub(" ", text)).casefold().replace("\u2019", "'")
    words = (word.strip("_'\u200c\u200d") for word in _WORD.findall(plain))
    return [part for word in words for part in _parts(word) if _is_term(part)]


def _parts(word: str) -> list[str]:
    """Return a word, or its pairs of characters where the script does not part words."""
    if not _UNSPACED.fullmatch(word):
        return [word]
    return [word[at : at + 2] for at in range(max(1, len(word) - 1))]


def _is_term(word: str) -> bool:
    """Return whether a word can be a term."""
    return len(word) >= SHORTEST and not word.isnumeric() and any(map(str.isalpha, word))
