"""Lines as the body of a bulk request, judged on the way: what no lake takes is left out.

The compiled kernel serves where it was built, the Python one elsewhere or under TAGLAKE_PURE=1. The
kernel takes only lines that are plain beyond doubt and hands every other one to the reference.
"""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING or os.environ.get("TAGLAKE_PURE") == "1":
    from lake import _entries_py as _kernel
else:
    try:
        from lake import _entries_c as _kernel
    except ImportError:  # no C compiler when it was installed
        from lake import _entries_py as _kernel

entries = _kernel.entries


def kernel_name() -> str:
    """Return which kernel serves: "c" or "python"."""
    return "c" if _kernel.__name__.endswith("_c") else "python"
