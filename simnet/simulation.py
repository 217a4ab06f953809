"""The simulated networks without a socket: a request in, an answer out, and the judge sees all
of it.
"""

from typing import Final

import msgspec

from simnet.bluesky import Bluesky
from simnet.budgets import Budgets
from simnet.faults import Faults
from simnet.instagram_graph import InstagramGraph
from simnet.instagram_web import Generation, InstagramWeb
from simnet.judge import Judge, Record
from simnet.logins import SITES
from simnet.mastodon import Mastodon
from simnet.site import Answering, Caller
from simnet.wire import Ask, Reply, html_reply
from simnet.world import Now, World, milliseconds

_NOWHERE: Final = html_reply(404, "No such site")


class Simulation:
    """All sites over one world, with budgets and faults. `make_app` puts HTTP before it.

    An answer depends on the world's seed, on `now()`, on the request and on what is left of the
    budget. Time
    must not run backwards. `logins` is how many developer accounts each site knows, `generation`
    which answers Instagram's web gives to `?__a=1&__d=dis`.
    """

    def __init__(
        self,
        world: World,
        *,
        now: Now,
        budgets: Budgets | None = None,
        faults: Faults | None = None,
        logins: int = 20,
        generation: Generation = "D",
    ) -> None:
        self.world, self.now, self.judge = world, now, Judge()
        self.faults = faults or Faults()
        limits = budgets or Budgets()
        sites: list[Answering] = [
            InstagramWeb(world, limits, logins=logins, generation=generation),
            InstagramGraph(world, limits, logins=logins, judge=self.judge),
            Mastodon(world, limits, logins=logins, name="mastodon.example"),
            Mastodon(world, limits, logins=logins, name="fedi.example"),
            Bluesky(world, limits, logins=logins),
        ]
        self.sites: dict[str, Answering] = {site.name: site for site in sites}

    def answer(self, ask: Ask, *, site: str | None = None) -> Reply:
        """Return the answer to a request; its site is the first part of the path unless `site`
        names it.
        """
        if site is None:
            _, name, rest = f"{ask.path}//".split("/", 2)
            site, ask = name, msgspec.structs.replace(ask, path="/" + rest.removesuffix("//"))
        answering = self.sites.get(site)
        if answering is None:
            return _NOWHERE
        now = milliseconds(self.now())
        caller = answering.caller(ask)
        record = self.judge.saw(caller.name, now, window=caller.window)
        reply = self._decided(answering, ask, caller, record, now)
        record.statuses[reply.status] += 1
        return reply

    def _decided(
        self, site: Answering, ask: Ask, caller: Caller, record: Record, now: int
    ) -> Reply:
        """Return an outage, a dead login's answer, a refusal or, if nothing stands against it,
        the page.
        """
        moment = self.now()
        if (outage := self.faults.outage(site.name, moment)) is not None:
            page = html_reply(outage.status, "Service unavailable")
            return msgspec.structs.replace(page, headers=outage.headers)
        if caller.login and (death := self.faults.death(caller.login.name, moment)) is not None:
            record.after_death += 1
            return site.dead(death.how)
        if (refusal := site.refuse(ask, caller, now)) is not None:
            record.refused += 1
            return refusal
        return self.faults.spoiled(site.reply(ask, caller, now), ask, now)


def site_of(host: str) -> str | None:
    """Return the site a Host header names, if it is one of ours."""
    name = host.partition(":")[0].lower()
    return name if name in SITES else None
