"""How Instagram's web JSON says no: most often with status 400 or 200 and a word in the body."""

from typing import Any

from ingestor import kernel
from ingestor.contract import Answer, Fault
from ingestor.sources import faults, fields
from ingestor.sources.fields import obj, word

_CHALLENGES = {"checkpoint_required", "challenge_required", "feedback_required", "sentry_block"}
_PAUSES = {"rate_limit_error", "rate_limited"}
_LOGINS = {"login_required", "inactive user", "consent_required", "not authorized to view user"}


def in_body(root: Any) -> Fault | None:
    """Return what the body of an answer says went wrong, None if it says nothing of the kind."""
    if not isinstance(root, dict):
        return Fault(kind="unknown", code="shape", reason="no object")
    words = [word(root.get(key)) or "" for key in ("message", "error_type", "type")]
    found = _by_words(words) or _by_login(root, words[0])
    if found is not None:
        return found
    if root.get("status") in ("fail", "ko") or root.get("errors") is not None:
        return Fault(kind="unknown", code=_code(words), reason="the network reports an error")
    return _by_null(root)


def _code(words: list[str]) -> str:
    """Return the first of the network's words that is a code, not a sentence."""
    return next((w for w in (words[1], words[0], words[2]) if w and " " not in w), "fail")


def _by_words(words: list[str]) -> Fault | None:
    """Return what the words of an error mean."""
    for said in words:
        if said in _CHALLENGES or said.startswith("CHALLENGE"):
            return Fault(kind="checkpoint", code=said, reason="the account has to prove itself")
        if said in _PAUSES or said.startswith("Please wait"):
            code = said if said in _PAUSES else "please_wait"
            return Fault(kind="rate_limited", code=code, reason="a pause is asked for")
        if said.lower() in _LOGINS:
            return Fault(kind="login_required", code="login_required", reason="the login is dead")
    return None


def _by_login(root: dict[str, Any], message: str) -> Fault | None:
    """Return what an answer says of the login, or that the thing is not there."""
    if root.get("require_login") is True or root.get("authenticated") is False:
        return Fault(kind="login_required", code="login_required", reason="a login is asked for")
    if root.get("status") == "fail" and "not found" in message.lower():
        return Fault(kind="gone", code="404", reason="not found")
    return None


def _by_null(root: dict[str, Any]) -> Fault | None:
    """Return the fault of an answer whose data is null."""
    for key in ("graphql", "data"):
        inner = root.get(key, "")
        if inner is None or (isinstance(inner, dict) and _holds_only_null(inner)):
            return Fault(kind="unknown", code="null", reason="no data: not found, or a soft block")
    return None


def _holds_only_null(inner: dict[str, Any]) -> bool:
    """Return whether nothing asked for is there."""
    mapped = [
        inner[key] for key in ("user", "hashtag", "shortcode_media", "location") if key in inner
    ]
    return (bool(mapped) or not inner) and all(value is None for value in mapped)


def in_page(root: Any) -> Fault | None:
    """Return what the data of an HTML page says went wrong: it was the page to log in."""
    entries = obj(obj(root).get("entry_data"))
    if "LoginAndSignupPage" in entries:
        return Fault(kind="login_required", code="login_required", reason="a login is asked for")
    if "HttpErrorPage" in entries:
        return Fault(kind="gone", code="404", reason="not found")
    return None


def of_answer(answer: Answer) -> Fault | None:
    """Return what is wrong with an answer, None if it is good."""
    if 300 <= answer.status < 400:
        return _redirect(answer.headers.get("location", ""), answer.status)
    by_status = faults.by_status(answer.status)
    if by_status is None and len(answer.body) > faults.SMALL:
        found = faults.of_long(answer.body)
        return None if found is None or b"_sharedData" in answer.body else found
    if by_status is None and kernel.is_good_instagram(answer.body):
        return None
    try:
        found = in_body(fields.decode(answer.body))
    except fields.NotJson as exc:
        if by_status is None and b"_sharedData" in answer.body:
            return None  # an HTML page that carries data; `parse` reads it
        return by_status or faults.not_json(answer.body, str(exc))
    return _sharper(found, by_status)


def _sharper(found: Fault | None, by_status: Fault | None) -> Fault | None:
    """Return the word of the body over the status: 400, 401 and 403 are used for everything."""
    if by_status is None or (found is not None and found.kind != "unknown"):
        return found
    return by_status


def _redirect(location: str, status: int) -> Fault:
    """Return what the place means to which a request was sent on."""
    if "/accounts/login" in location:
        return Fault(kind="login_required", code=str(status), reason="sent to the log-in page")
    if "/challenge" in location or "/checkpoint" in location:
        return Fault(kind="checkpoint", code=str(status), reason="sent to a challenge")
    return Fault(kind="unknown", code=str(status), reason="an unexpected redirect")
