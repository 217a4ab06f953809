"""Audiences as signatures: arrays in, arrays out. Knows no lake, no network and no campaign.

`sign` lists of follower ids, then ask the signatures: how alike are two audiences (`jaccard`), how
much of the smaller one is in the larger (`overlap`), how many different people follow any of them
(`union_size`)? `merge` joins what was signed in parts. `EdgeStore` keeps billions of edges on disk,
`Writer` changes them, `Index` finds the most similar of a million audiences. More in the modules:
`reach`, `bands`, `communities`, `expansion`, `labels`.

>>> from signatures import jaccard, sign
>>> audiences = sign([0, 4, 8], [1, 2, 3, 4, 3, 4, 5, 6])
>>> float(jaccard(audiences[0], audiences[1]).value[0])
0.3333333333333333
"""

from signatures.edges.store import EdgeStore
from signatures.edges.writer import Writer
from signatures.estimates import Estimate, jaccard, overlap, union_size
from signatures.minhash import Signatures, merge, sign
from signatures.search import Index

__all__ = [
    "EdgeStore",
    "Estimate",
    "Index",
    "Signatures",
    "Writer",
    "jaccard",
    "merge",
    "overlap",
    "sign",
    "union_size",
]
