"""Case 27: a network asks for a pause in every form networks use, absurd ones included."""

from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from faults.figures import record
from faults.forms import LONG
from faults.stage import Stage, running, stage
from simnet.wire import Reply, json_reply

TAGS = [f"tag{number}" for number in range(12)]
BANNED = "mastodon-1"
DAY = 86_400.0

# What Retry-After says; how long we then have to be silent, and by when we may be back, seconds:
# a tenth of jitter, and half an hour until the halved budget has room.
FORMS = {
    "seconds": ("900", 900.0, 990.0 + 1800.0),
    "date": ("+900", 900.0, 990.0 + 1800.0),
    "absent": (None, 60.0, 792.0 + 1800.0),
    "absurd": ("1000000000", DAY, 1.1 * DAY + 1800.0),
    "negative": ("-5", 60.0, 792.0 + 1800.0),
}


class Ban:
    """The provider's treatment of one account: from `since` on, until it has answered so often."""

    def __init__(self, made: Stage, header: str | None, *, since: float) -> None:
        self._made, self._header, self._since = made, header, since
        self.refused: list[float] = []

    def __call__(self, account: str) -> Reply | None:
        """Refuse the account once."""
        if account != BANNED or self._made.now < self._since or self.refused:
            return None
        self.refused.append(self._made.now)
        return json_reply({"error": "Too many requests"}, status=429, headers=self._headers())

    def _headers(self) -> tuple[tuple[str, str], ...]:
        if self._header is None:
            return ()
        if self._header.startswith("+"):
            until = self._made.clock.now() + timedelta(seconds=float(self._header[1:]))
            return (("Retry-After", format_datetime(until, usegmt=True)),)
        return (("Retry-After", self._header),)


# A day of silence takes a while to play even on a stepped clock.
@pytest.mark.parametrize("form", [name for name in FORMS if LONG or name != "absurd"])
async def test_a_ban_is_obeyed_in_every_form_and_the_other_lanes_go_on(
    form: str, tmp_path: Path
) -> None:
    header, least, most = FORMS[form]
    async with stage(tmp_path, tags=TAGS) as made:
        budget = (4 if least == DAY else 24, 3600.0)  # fewer requests where a day has to pass
        await made.track("mastodon", accounts=3, tags=TAGS, budget=budget, slots=0)
        ban = made.net.wrong = Ban(made, header, since=3600.0)
        async with running(made, tmp_path):
            await made.play(hours=1.5 + most / 3600.0)
    (banned_at,) = ban.refused
    back = next(at for at in made.asked(BANNED, since=banned_at + 0.001))
    during = made.asked(BANNED, since=banned_at + 0.001, until=banned_at + least)
    others = [
        len(made.asked(name, since=banned_at, until=back)) * 3600.0 / (back - banned_at)
        for name in ("mastodon-2", "mastodon-3")
    ]
    record(
        27, f"Retry-After: {form}",
        requests_during_ban=len(during), silent_seconds=round(back - banned_at),
        asked_seconds=round(least), others_requests_per_hour=round(min(others), 1),
    )  # fmt: skip
    assert during == []
    assert least <= back - banned_at <= most
    assert min(others) > 0.6 * budget[0]
