from collections.abc import Sequence

from lake._entries_py import Part
from lake.contract import Line

def entries(prefix: str, lines: Sequence[Line], start: int) -> Part: ...
def is_plain(line: Line) -> bool: ...
