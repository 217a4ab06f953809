"""How deep a JSON text nests, without parsing it: the reference of the compiled kernel."""

import re

# Strings are skipped whole, escapes included; an unterminated one runs to the end and hides
# nothing, since a parser refuses such a text anyway.
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")


def depth(text: bytes) -> int:
    """Return the deepest nesting of arrays and objects in `text`; 0 for a scalar. O(n), never
    recursive.
    """
    level = deepest = 0
    for bracket in _BRACKETS.findall(_STRING.sub(b"", text)):
        level += 1 if bracket in b"[{" else -1
        deepest = max(deepest, level)
    return deepest
