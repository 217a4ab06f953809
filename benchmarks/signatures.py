"""How fast audiences are signed, beside the fastest library, the talk's kernel and the limit.

    .venv/bin/python benchmarks/signatures.py               # a few minutes

What is measured stands in `_signatures.py`: this file has the name of a package of ours, and every
script beside it that imports the package finds this file first. So it gives way.
"""

import importlib
import sys
from pathlib import Path

if __name__ == "__main__":
    from _signatures import main

    main()
else:
    own = sys.path.index(str(Path(__file__).parent))
    folder = sys.path.pop(own)
    del sys.modules[__name__]
    importlib.import_module(__name__)
    sys.path.insert(own, folder)
