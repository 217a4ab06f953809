"""Every setting, assembled: defaults < `taglake.toml` < environment `TAGLAKE_SECTION__NAME` < arguments.

The only place, with `taglake.cli`, that reads the environment. Other rooms take values.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from taglake.errors import BadSetting

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(gt=0)]


class Section(BaseModel):
    """A section of settings: frozen, unknown names refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LakeSettings(Section):
    """Where the records live."""

    url: str = "files:.taglake/lake"  # files:PATH, s3://..., http(s)://elasticsearch:9200
    prefix: str = "taglake"  # of Elasticsearch index names
    user: str | None = None
    password_env: str = "TAGLAKE_LAKE_PASSWORD"  # noqa: S105 - the name of a variable
    ca_certs: Path | None = None
    shards: Count = 1
    replicas: Annotated[int, Field(ge=0)] = 0

    @field_validator("url")
    @classmethod
    def _known_scheme(cls, url: str) -> str:
        if url.split(":", 1)[0] in {"files", "s3", "gs", "az", "http", "https"}:
            return url
        raise ValueError("must start with files:, s3:, gs:, az:, http: or https:")


class RegistrySettings(Section):
    """Where campaigns, keys and lanes live."""

    url: str = "sqlite+aiosqlite:///.taglake/registry.db"
    pepper_env: str = "TAGLAKE_PEPPER"


class AccountSettings(Section):
    """One developer account, or one anonymous host: it becomes one lane."""

    source: str  # instagram_graph, instagram, mastodon, bluesky, or a plugin's
    name: str  # ours, safe to show
    base_url: str | None = None  # None: the source's own
    user: str | None = None
    secret_env: str | None = None  # name of the variable or secret file; None: anonymous
    limit: Count | None = None  # requests per `window`; None: the source's own
    window: Positive | None = None  # seconds


class IngestSettings(Section):
    """How networks are asked."""

    spool: Path = Path(".taglake/spool.db")
    spool_megabytes: Count = 1024
    concurrency: Count = 64
    snapshot_every: Positive = 3600.0
    floor: Positive = 60.0
    ceiling: Positive = 21_600.0
    refresh_targets: Positive = 15.0
    grace: Positive = 20.0


class WorkSettings(Section):
    """How often reports are computed ahead."""

    rollup_every: Positive = 300.0
    compact_every: Positive = 900.0


class ServeSettings(Section):
    """The API and the page."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    requests_per_minute: Count = 600
    cache_seconds: Annotated[float, Field(ge=0)] = 5.0
    cors_origins: tuple[str, ...] = ()
    docs: bool = True
    public_url: str | None = None


class LogSettings(Section):
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "text"] = "auto"  # auto: text for a terminal


class Settings(BaseSettings):
    """All sections. Made by `load`; frozen."""

    model_config = SettingsConfigDict(
        env_prefix="TAGLAKE_", env_nested_delimiter="__", extra="ignore", frozen=True
    )

    lake: LakeSettings = LakeSettings()
    registry: RegistrySettings = RegistrySettings()
    accounts: tuple[AccountSettings, ...] = ()
    ingest: IngestSettings = IngestSettings()
    work: WorkSettings = WorkSettings()
    serve: ServeSettings = ServeSettings()
    log: LogSettings = LogSettings()
    secrets: Path = Path("/run/secrets")  # a file here beats a variable of the same name
