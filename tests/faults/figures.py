"""What a fault run measured, kept as JSON lines for `docs/reliability.md`."""

import json
import os
from pathlib import Path

FILE = "TAGLAKE_FAULT_FIGURES"


def record(case: int, name: str, **figures: object) -> None:
    """Append the figures of one case to the file that the environment names, if it names one.

    case: its number in the table of cases. name: what was run, as it is to stand in the table.
    Figures are numbers and short words, in the order they are to be read.
    """
    path = os.environ.get(FILE)
    if path is None:
        return
    line = json.dumps({"case": case, "name": name, "figures": figures})
    with Path(path).open("a") as file:
        file.write(line + "\n")
