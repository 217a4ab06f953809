"""What handlers ask for, as annotated types. All async: a sync one costs a thread each time."""

import hashlib
from math import ceil
from typing import Annotated

from fastapi import Depends, Path, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from api.errors import Forbidden, Missing, TooMany, Unauthorised
from api.services import Services, services
from api.words import Ident
from registry.models import Campaign, Key

bearer = HTTPBearer(auto_error=False, description="Authorization: Bearer pk_...")
header = APIKeyHeader(name="X-API-Key", auto_error=False, description="The same key, plain")
Parts = Annotated[Services, Depends(services)]


async def shown_key(
    bearing: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)],
    plain: Annotated[str | None, Security(header)],
) -> str:
    """Return the key the request shows, in whichever of the two headers."""
    if bearing is not None:
        return bearing.credentials
    if plain:
        return plain
    raise Unauthorised("Send the API key as 'Authorization: Bearer pk_...' or 'X-API-Key: pk_...'.")


async def caller(request: Request, parts: Parts, shown: Annotated[str, Depends(shown_key)]) -> Key:
    """Return whose request this is, counted against the key's limit.

    A good key is believed for two seconds, so a revoked one dies within them. The memory is keyed
    by a digest: no key in clear outlives its request.
    """
    digest = hashlib.sha256(shown.encode()).digest()
    key = await parts.keys.get(digest, lambda: parts.registry.keys.verify(shown))
    if key is None:
        await refuse_guess(request, parts)
        raise Unauthorised(
            "The key is unknown, revoked or expired. Ask the operator for a new one."
        )
    await spend(request, parts, name=key.prefix, limit=parts.settings.requests_per_minute)
    return key


async def refuse_guess(request: Request, parts: Services) -> None:
    """Count a wrong key against the address it came from; good keys from there are not harmed."""
    address = request.client.host if request.client else "unknown"
    await spend(request, parts, name=f"guess:{address}", limit=parts.settings.refusals_per_minute)


async def spend(request: Request, parts: Services, *, name: str, limit: int) -> None:
    """Count one request and tell the client where it stands; raises TooMany at the limit."""
    left = await parts.allowance.take(name, limit=limit)
    seconds = ceil(left.reset)
    request.scope["taglake.headers"] = [
        (b"ratelimit-limit", str(limit).encode()),
        (b"ratelimit-remaining", str(max(0, left.remaining)).encode()),
        (b"ratelimit-reset", str(seconds).encode()),
    ]
    if not left.allowed:
        raise TooMany(f"{limit} requests a minute are allowed.", retry_after=max(1, seconds))


def _scoped(scope: str, key: Key) -> Key:
    if scope in key.scopes or "admin" in key.scopes:
        return key
    raise Forbidden(f"The key has the scopes {', '.join(key.scopes)}; this needs {scope}.")


async def reader(key: Annotated[Key, Depends(caller)]) -> Key:
    """Return the caller if it may read."""
    return _scoped("read", key)


async def writer(key: Annotated[Key, Depends(caller)]) -> Key:
    """Return the caller if it may register and change campaigns."""
    return _scoped("write", key)


Reader = Annotated[Key, Depends(reader)]
Writer = Annotated[Key, Depends(writer)]
CampaignId = Annotated[Ident, Path(description="Id of one of your campaigns")]


async def found(parts: Services, key: Key, campaign_id: str) -> Campaign:
    """Return the caller's campaign; somebody else's is as missing as none."""
    campaign = await parts.registry.campaigns.get(key.client_id, campaign_id)
    if campaign is None:
        raise Missing("There is no such campaign of yours. GET /v1/campaigns lists them.")
    return campaign


async def readable(parts: Parts, key: Reader, campaign_id: CampaignId) -> Campaign:
    """Return the campaign of the path for reading."""
    return await found(parts, key, campaign_id)


async def writable(parts: Parts, key: Writer, campaign_id: CampaignId) -> Campaign:
    """Return the campaign of the path for changing."""
    return await found(parts, key, campaign_id)


Readable = Annotated[Campaign, Depends(readable)]
Writable = Annotated[Campaign, Depends(writable)]
