"""Web addresses as strangers write them: one that cannot be read has no parts, raises nothing."""

from urllib.parse import SplitResult, parse_qsl, urlsplit

_NONE = SplitResult("", "", "", "", "")


def split(url: str | None) -> SplitResult:
    """Return the parts of an address, empty ones if it is none."""
    try:
        return urlsplit(url or "")
    except ValueError:  # "http://[x"
        return _NONE


def host(url: str | None) -> str:
    """Return the host and port of an address, "" if it has none."""
    return split(url).netloc


def query(url: str | None) -> dict[str, str]:
    """Return the parameters of an address; of a repeated one the last."""
    try:
        return dict(parse_qsl(split(url).query, max_num_fields=200))
    except ValueError:
        return {}
