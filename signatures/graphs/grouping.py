"""Neighbour lists and local moves over them: the kernels that communities are found with.

The compiled kernels serve where they were built, the Python ones elsewhere or under TAGLAKE_PURE=1.
"""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING or os.environ.get("TAGLAKE_PURE") == "1":
    from signatures.graphs import _grouping_py as _moves
    from signatures.graphs import _parts_py as _parts
else:
    try:
        from signatures.graphs import _grouping_c as _moves
        from signatures.graphs import _parts_c as _parts
    except ImportError:  # no C compiler when it was installed
        from signatures.graphs import _grouping_py as _moves
        from signatures.graphs import _parts_py as _parts

neighbours = _parts.neighbours
connected = _parts.connected
settle = _moves.settle
condense = _moves.condense


def kernel_name() -> str:
    """Return which kernels serve: "c" or "python"."""
    return "c" if _moves.__name__.endswith("_c") else "python"
