"""Which kernels are compiled; each has a slower Python twin that gives the same results."""

from ingestor import depth, kernel, observe
from lake import entries
from signatures import hashing, minhash, search
from signatures.edges import lists
from signatures.graphs import grouping


def missing() -> list[str]:
    """Return the names of the kernels for which the Python twin serves."""
    return [name for name, is_compiled in compiled().items() if not is_compiled]


def compiled() -> dict[str, bool]:
    """Return what each kernel does, and whether it is compiled."""
    named = {
        "compare pages with what is known": observe.kernel_name,
        "group accounts into communities": grouping.kernel_name,
        "measure how deep JSON nests": depth.kernel_name,
        "read answers into rows": kernel.kernel_name,
        "read ids of followers": hashing.kernel_name,
        "search signatures": search.kernel_name,
        "sign audiences": minhash.kernel_name,
        "sort lists of followers": lists.kernel_name,
        "write bulk bodies": entries.kernel_name,
    }
    return {name: kernel_name() == "c" for name, kernel_name in named.items()}
