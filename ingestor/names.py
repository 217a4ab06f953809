"""Numbers that stand for names where a million rows share a few."""


class Names:
    """Numbers for the few names that many targets share: tenants and hosts."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, name: str) -> int:
        """Return the number of a name, a new one if it has none."""
        number = self._numbers.setdefault(name, len(self._names))
        if number == len(self._names):
            self._names.append(name)
        return number

    def name(self, number: int) -> str:
        """Return the name of a number."""
        return self._names[number]
