"""The depth cap of hostile JSON: how deep a text nests, counted before any parser recurses into it.

The compiled kernel serves where it was built, the Python one elsewhere or under TAGLAKE_PURE=1.
"""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING or os.environ.get("TAGLAKE_PURE") == "1":
    from ingestor import _depth_py as _kernel
else:
    try:
        from ingestor import _depth_c as _kernel
    except ImportError:  # no C compiler when it was installed
        from ingestor import _depth_py as _kernel

depth = _kernel.depth


def kernel_name() -> str:
    """Return which kernel serves: "c" or "python"."""
    return "c" if _kernel.__name__.endswith("_c") else "python"
