"""Parts from settings: the one place that decides which lake, registry and accounts there are."""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from ingestor.contract import Credential, Source
from ingestor.sessions import SessionFile
from ingestor.sources import load_sources
from lake.contract import Lake
from lake.errors import LakeError
from registry import Registry, Secret, open_registry, read_secret
from registry.errors import MissingSecret, RegistryError
from registry.models import Lane
from taglake.errors import BadSetting, Unreachable
from taglake.settings import AccountSettings, Settings


def secret(settings: Settings, name: str) -> Secret:
    """Return a secret by its name. Raises BadSetting if it is nowhere."""
    try:
        return read_secret(name, environ=os.environ, directory=settings.secrets)
    except MissingSecret:
        raise BadSetting(
            f"secret {name}: write it to the file {settings.secrets / name} or set the variable; "
            "`taglake init` makes those that taglake may choose itself"
        ) from None
    except RegistryError as error:
        raise BadSetting(str(error)) from None


def lake_of(settings: Settings) -> Lake:
    """Return the lake that the settings name, not opened yet."""
    url = settings.lake.url
    # One engine is imported, not both: each brings as much memory as all the rest.
    if url.startswith(("http://", "https://")):
        from lake.elastic import ElasticLake

        section = settings.lake
        return ElasticLake(
            url,
            prefix=section.prefix,
            user=section.user,
            password=secret(settings, section.password).reveal() if section.user else None,
            ca_certs=str(section.ca_certs) if section.ca_certs else None,
            shards=section.shards,
            replicas=section.replicas,
        )
    from lake.files import FilesLake

    return FilesLake(Path(url.removeprefix("files:")) if url.startswith("files:") else url)


@asynccontextmanager
async def open_lake(settings: Settings) -> AsyncIterator[Lake]:
    """Open the lake for a while. Raises Unreachable."""
    lake = lake_of(settings)
    try:
        await lake.open()
        yield lake
    except LakeError as error:
        raise Unreachable(f"lake {settings.lake.url}: {error}") from error
    finally:
        await lake.close()


def registry_url(settings: Settings) -> str:
    """Return the registry's address, with its password if there is one."""
    url = settings.registry.url
    if not url.startswith("postgresql://") or not has_secret(settings, settings.registry.password):
        return url
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    password = quote(secret(settings, settings.registry.password).reveal(), safe="")
    return urlunsplit(parts._replace(netloc=f"{user}:{password}@{host}"))


@asynccontextmanager
async def open_the_registry(
    settings: Settings,
    *,
    now: Callable[[], datetime] | None = None,
) -> AsyncIterator[Registry]:
    """Open the registry for a while. Raises BadSetting, Unreachable."""
    url = registry_url(settings)
    if url.startswith("sqlite:///"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    pepper = secret(settings, settings.registry.pepper).reveal()
    try:
        registry = await open_registry(url, pepper=pepper, now=now)
    except RegistryError as error:
        raise Unreachable(f"registry: {error}") from error
    async with registry:
        yield registry


def lane_id(account: AccountSettings) -> str:
    """Return the id of the lane that an account becomes."""
    return f"{account.source}/{account.name}"


def lanes_of(settings: Settings, known: Mapping[str, Source]) -> list[Lane]:
    """Return the lanes of all accounts. Raises BadSetting."""
    return [lane_of(account, known) for account in settings.accounts]


def lane_of(account: AccountSettings, sources: Mapping[str, Source]) -> Lane:
    """Return the lane that an account becomes. Raises BadSetting."""
    name = f"accounts.{account.name}"
    if account.source not in sources:
        known = ", ".join(sorted(sources))
        raise BadSetting(f"{name}.source = {account.source!r}: unknown; there are {known}")
    source = sources[account.source]
    base_url = account.base_url or own_url(source, logs_in=account.secret is not None)
    if not base_url:
        raise BadSetting(f"{name}.base_url: {account.source} has many servers; name one")
    limit, window = source.window
    slots, slot_window = source.slots or (None, None)
    return Lane(
        id=lane_id(account),
        source=account.source,
        network=source.network,
        account=account.name,
        base_url=base_url.rstrip("/"),
        limit=account.limit or limit,
        window=account.window or window,
        slots=slots,
        slot_window=slot_window,
        kinds=tuple(source.kinds),
    )


def own_url(source: Source, *, logs_in: bool) -> str | None:
    """Return the network's own address; None for one of many servers, where it must be said."""
    base_url: str | None = getattr(source, "base_url", None)
    return getattr(source, "login_url", base_url) if logs_in else base_url


def credential_of(settings: Settings, account: AccountSettings) -> Credential:
    """Return what the account proves itself with."""
    hidden = secret(settings, account.secret) if account.secret else None
    return Credential(
        account=account.name, user=account.user, secret=hidden.reveal() if hidden else None
    )


def sources(settings: Settings | None = None) -> dict[str, Source]:
    """Return all sources, ours and plugins', by name; given settings, log-ins are kept."""
    kept: dict[str, dict[str, object]] = {}
    if settings is not None:
        path = settings.ingest.spool.parent / "sessions.json"
        secret_of = partial(_account_secret, settings)
        kept["bluesky"] = {"sessions": SessionFile(path, secret_of=secret_of)}
    return {name: make(**kept.get(name, {})) for name, make in load_sources().items()}


def _account_secret(settings: Settings, name: str) -> str | None:
    for account in settings.accounts:
        if account.name == name and account.secret:
            return secret(settings, account.secret).reveal()
    return None


def has_secret(settings: Settings, name: str) -> bool:
    """Tell whether a secret is anywhere."""
    return name in os.environ or (settings.secrets / name).is_file()
