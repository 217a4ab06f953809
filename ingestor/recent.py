"""Which ids were met of late: a Bloom filter that forgets."""

_SPREAD = 27  # bits of a hash between its first probe and its second


class Recent:
    """Says of an id whether it may have been added; never no of one of the last `limit` different
    ones.

    Two filters in turn: when the younger has taken its fill, the older is forgotten. One id in a
    thousand, never added, is taken for known. Two bytes an id and filter at the least.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        size = 1 << max(10, (8 * limit - 1).bit_length())
        self._mask = size - 1
        self._young = bytearray(size)
        self._old = bytearray(0)
        self._count = 0

    def __contains__(self, key: str) -> bool:
        code = hash(key)
        return _holds(self._young, self._mask, code) or (
            bool(self._old) and _holds(self._old, self._mask, code)
        )

    def add(self, *keys: str) -> None:
        """Remember ids."""
        bits, mask = self._young, self._mask
        for key in keys:
            code = hash(key)
            first, second = code & mask, code >> _SPREAD & mask
            one, two = 1 << (code >> 24 & 7), 1 << (code >> 56 & 7)
            if not (bits[first] & one and bits[second] & two):
                bits[first] |= one
                bits[second] |= two
                self._count += 1
        if self._count > self._limit:
            self._old, self._young, self._count = bits, bytearray(len(bits)), 0


def _holds(bits: bytearray, mask: int, code: int) -> bool:
    return bool(
        bits[code & mask] & 1 << (code >> 24 & 7)
        and bits[code >> _SPREAD & mask] & 1 << (code >> 56 & 7)
    )
