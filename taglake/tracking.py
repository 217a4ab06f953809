"""`taglake track`: one command from a hashtag to a report."""

import asyncio
import re
import sys
from datetime import datetime
from urllib.parse import urlsplit

import click
import msgspec

from ingestor.clock import SystemClock
from lake.contract import Lake
from registry import Registry
from registry.models import Campaign, CampaignDraft, Client
from taglake import roles, wiring
from taglake.errors import BadSetting
from taglake.reporting import full_report, in_short
from taglake.secrets import make_missing
from taglake.settings import AccountSettings, Settings

LOCAL = "local"  # the tenant of campaigns made on the command line
PROGRESS_SECONDS = 5.0
SERVER = re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?(/[^\s?#]*)?$")


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What the user asked to follow."""

    tags: tuple[str, ...]
    source: str
    instance: str | None
    since: datetime  # posts made earlier do not count
    until: datetime
    seconds: float | None  # None: until stopped
    json: bool


async def follow(settings: Settings, wish: Wish, stop: asyncio.Event) -> None:
    """Collect what the wish names until stopped, then print its report. Raises TaglakeError."""
    settings = with_account(settings, wish)
    if not wiring.has_secret(settings, settings.registry.pepper):
        for _ in make_missing(settings, settings.secrets):
            pass
    async with wiring.open_lake(settings) as lake, wiring.open_the_registry(settings) as registry:
        campaign = await _collect(settings, wish, lake, registry, stop)
        await _report(lake, campaign, wish)


async def _collect(
    settings: Settings, wish: Wish, lake: Lake, registry: Registry, stop: asyncio.Event
) -> Campaign:
    collector = roles.Collector(settings, lake, registry)
    await collector.open()
    try:
        campaign = await _campaign(registry, wish, collector.sources[wish.source].network)
        names = " ".join(f"#{tag}" for tag in campaign.hashtags)
        click.echo(f"following {names} on {wish.source}; Ctrl-C ends and reports", err=True)
        async with asyncio.TaskGroup() as group:
            progress = group.create_task(_progress(collector))
            timer = group.create_task(_stop_after(wish.seconds, stop))
            await collector.run(stop)
            progress.cancel()
            timer.cancel()
    finally:
        await collector.close()
    return campaign


def with_account(settings: Settings, wish: Wish) -> Settings:
    """Return the settings with an account for the wish; one that is there serves."""
    base_url = _base_url(wish.instance)
    _check_network(wish, base_url)
    for account in settings.accounts:
        if account.source == wish.source and base_url in (None, account.base_url):
            return settings
    name = urlsplit(base_url).netloc.replace(":", "-") if base_url else f"{wish.source}-public"
    account = AccountSettings(source=wish.source, name=name[:64], base_url=base_url)
    return settings.model_copy(update={"accounts": (*settings.accounts, account)})


def _check_network(wish: Wish, base_url: str | None) -> None:
    known = wiring.sources()
    if wish.source not in known:
        raise BadSetting(
            f"--network {wish.source!r}: unknown; there are {', '.join(sorted(known))}"
        )
    if base_url is None and not wiring.own_url(known[wish.source], logs_in=False):
        raise BadSetting(
            f"--instance: {wish.source} has many servers; name one: --instance mastodon.social"
        )


def _base_url(instance: str | None) -> str | None:
    if instance is None:
        return None
    url = instance if "://" in instance else f"https://{instance}"
    if not SERVER.match(url):
        raise BadSetting(f"--instance {instance!r}: is not a server; write mastodon.social")
    return url.rstrip("/")


async def _campaign(registry: Registry, wish: Wish, network: str) -> Campaign:
    """Return the campaign of the wish: one of its name that still runs and counts posts that old,
    or a new one.
    """
    now = SystemClock().now()
    tenant = await _tenant(registry)
    name = f"{' '.join(f'#{tag}' for tag in wish.tags)} on {wish.source}"
    for campaign in (await registry.campaigns.list(tenant.id, limit=200)).campaigns:
        if campaign.name == name and campaign.start <= wish.since and now < campaign.end:
            return campaign
    draft = CampaignDraft(
        name=name,
        networks=(network,),
        hashtags=wish.tags,
        start=wish.since,
        end=wish.until,
        baseline_days=0,
        after_days=0,
    )
    plan = await registry.plan(draft)
    if not plan.fits:
        raise BadSetting("; ".join(reason.why for reason in plan.reasons))
    return await registry.campaigns.create(tenant.id, draft, who="command line")


async def _tenant(registry: Registry) -> Client:
    for client in await registry.clients.list():
        if client.name == LOCAL:
            return client
    return await registry.clients.create(LOCAL, who="command line")


async def _progress(collector: roles.Collector) -> None:
    while True:
        await asyncio.sleep(PROGRESS_SECONDS)
        click.echo(roles.progress_line(collector), err=True)


async def _stop_after(seconds: float | None, stop: asyncio.Event) -> None:
    if seconds is not None:
        await asyncio.sleep(seconds)
        stop.set()


async def _report(lake: Lake, campaign: Campaign, wish: Wish) -> None:
    now = SystemClock().now()
    if wish.json:
        report = await full_report(lake, campaign, now=now)
        sys.stdout.write(str(msgspec.json.encode(report), "utf-8") + "\n")
        return
    click.echo(await in_short(lake, campaign, now=now))
    click.echo(f"again: taglake report {campaign.id}")
