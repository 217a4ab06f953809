"""Every setting, assembled: defaults < `taglake.toml` < environment `TAGLAKE_SECTION__NAME`.

The only place that reads settings and, with the secrets, the environment; other rooms take
values. Each field's description is its comment in `taglake.example.toml`, which `taglake.template`
makes from here.
"""

import re
import tomllib
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from taglake.errors import BadSetting

FILE_NAME = "taglake.toml"
_PASSWORD = re.compile(r"(?<=://)([^/@\s]*):[^/@\s]*@")  # in an address


class Section(BaseModel):
    """A section of settings: frozen, unknown names refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class LakeSettings(Section):
    """Where the records live."""

    url: str = Field(
        "files:.taglake/lake",
        description="files:FOLDER, or http(s)://HOST:9200 of Elasticsearch 8.19",
    )
    prefix: str = Field(
        "taglake",
        pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$",
        description="first part of every Elasticsearch index name",
    )
    user: str | None = Field(None, description="Elasticsearch user; its password is a secret")
    password: str = Field(
        "TAGLAKE_LAKE_PASSWORD", description="name of the secret, never its value"
    )
    ca_certs: Path | None = Field(
        None, description="certificate file if Elasticsearch has its own CA"
    )
    shards: int = Field(1, gt=0, description="per monthly index; one holds about 30 GB well")
    replicas: int = Field(0, ge=0, description="copies of each shard; 1 or more on a cluster")

    @field_validator("url")
    @classmethod
    def _known_scheme(cls, url: str) -> str:
        if url.startswith("files:") and len(url) > len("files:"):
            return url
        if not re.match(r"https?://[^/]", url):
            raise ValueError("write files:FOLDER or http(s)://HOST:9200")
        return _without_password(url, "lake.user", "lake.password")


class RegistrySettings(Section):
    """Where campaigns, keys and lanes live."""

    url: str = Field(
        "sqlite:///.taglake/registry.db",
        description="SQLite for one machine, postgresql://USER@HOST/NAME for a fleet",
    )
    password: str = Field(
        "TAGLAKE_REGISTRY_PASSWORD", description="name of the secret of PostgreSQL"
    )
    pepper: str = Field(
        "TAGLAKE_PEPPER", description="name of the secret that API keys are hashed with"
    )

    @field_validator("url")
    @classmethod
    def _known_scheme(cls, url: str) -> str:
        if not re.match(r"(sqlite:///|postgresql://)[^/]", url) and not url.startswith(
            "sqlite:////"
        ):
            raise ValueError("write sqlite:///FILE or postgresql://USER@HOST/NAME")
        return _without_password(url, "registry.url", "registry.password")


class AccountSettings(Section):
    """One developer account or anonymous host; each becomes a lane with a budget of its own."""

    source: str = Field(
        description="instagram_graph, instagram, mastodon, bluesky, or a plugin's name"
    )
    name: str = Field(pattern=r"^[\w.@-]{1,64}$", description="our name for it; it shows in logs")
    base_url: str | None = Field(None, description="address to ask; unset: the network's own")
    user: str | None = Field(None, description="the network's name or id of the account")
    secret: str | None = Field(None, description="name of the secret; unset: asked without log-in")
    limit: int | None = Field(
        None, gt=0, description="requests per window; unset: the network's own"
    )
    window: float | None = Field(None, gt=0, description="seconds; unset: the network's own")


class IngestSettings(Section):
    """How networks are asked."""

    spool: Path = Field(
        Path(".taglake/spool.db"), description="pages wait here until the lake has them"
    )
    spool_megabytes: int = Field(
        1024, gt=3, description="cap of the spool; 1 GB holds about 1 M posts"
    )
    concurrency: int = Field(64, gt=0, le=1000, description="requests in flight at once")
    snapshot_every: float = Field(
        3600, gt=0, description="seconds between snapshots of unchanged counts"
    )
    refresh: float = Field(15, gt=0, description="seconds until a new campaign is noticed")
    lease: float = Field(
        60, ge=3, description="seconds until the lanes of a process that died move to another"
    )
    grace: float = Field(20, gt=0, description="seconds for polls in flight when asked to stop")
    metrics: str | None = Field(
        None,
        pattern=r"^[\w.:\[\]-]+:\d{1,5}$",
        description="host:port at which Prometheus may ask this process for /metrics",
    )


class AudienceSettings(Section):
    """Who follows whom: collected lists, and signatures of them."""

    folder: Path = Field(
        Path(".taglake/audiences"),
        description="a store for each network; 8 bytes a follower; shared by workers and servers",
    )
    sync_every: float = Field(
        300, gt=0, description="seconds until a list that was read is searchable"
    )


class WorkSettings(Section):
    """How often reports are computed ahead and the embedded lake is tidied."""

    rollup_every: float = Field(
        300, gt=0, description="seconds; a report served may be twice as old"
    )
    compact_every: float = Field(
        900, gt=0, description="seconds; merges small files of the files lake"
    )


class ServeSettings(Section):
    """The API and the page."""

    host: str = Field("127.0.0.1", description="0.0.0.0 only behind a proxy that ends TLS")
    port: int = Field(8000, ge=0, le=65535, description="0 takes a free one")
    requests_per_minute: int = Field(600, gt=0, description="per API key")
    cache_seconds: float = Field(
        5, ge=0, description="how long an equal question gets an equal answer"
    )
    cors_origins: tuple[str, ...] = Field((), description="sites whose scripts may call the API")
    docs: bool = Field(True, description="serve /docs; switch off in public")


class LogSettings(Section):
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="the least that shows"
    )
    format: Literal["auto", "json", "text"] = Field("auto", description="auto: text on a terminal")


def _without_password(url: str, keeps_user: str, names_secret: str) -> str:
    """Return the address if it bears no password: addresses are printed, logged and reported."""
    try:
        password = urlsplit(url).password
    except ValueError as error:
        raise ValueError(f"is no address: {error}") from None
    if password is not None:
        raise ValueError(
            f"a password does not stand here: keep the user in {keeps_user} and write the password "
            f"to the secret that {names_secret} names"
        )
    return url


class Settings(BaseSettings):
    """All sections. Made by `load`; frozen."""

    model_config = SettingsConfigDict(
        env_prefix="TAGLAKE_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    secrets: Path = Field(
        Path(".taglake/secrets"),
        description="folder of secret files; one here beats a variable of its name",
    )
    heartbeat: Path | None = Field(
        None, description="file that ingest and work touch while they are well; for health checks"
    )
    lake: LakeSettings = LakeSettings()
    registry: RegistrySettings = RegistrySettings()
    ingest: IngestSettings = IngestSettings()
    audience: AudienceSettings = AudienceSettings()
    work: WorkSettings = WorkSettings()
    serve: ServeSettings = ServeSettings()
    log: LogSettings = LogSettings()
    accounts: tuple[AccountSettings, ...] = ()

    @field_validator("accounts")
    @classmethod
    def _one_name_each(cls, accounts: tuple[AccountSettings, ...]) -> tuple[AccountSettings, ...]:
        names = [(account.source, account.name) for account in accounts]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"{name[0]}/{name[1]} stands there twice; give each its own name")
        return accounts


def load(path: Path | None = None) -> Settings:
    """Return the settings of `path`, or of ./taglake.toml if that exists; raises BadSetting."""
    chosen = path or Path(FILE_NAME)
    if path and not path.is_file():
        raise BadSetting(f"--config {path}: there is no such file; `taglake init` writes one")
    try:
        return _reading(chosen)()
    except ValidationError as error:
        raise BadSetting("\n".join(_told(chosen, problem) for problem in error.errors())) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSetting(f"{chosen}: is not TOML: {error}") from None
    except SettingsError as error:
        name = re.search(r'field "(\w+)"', str(error))
        variable = f"TAGLAKE_{name[1].upper()}" if name else "TAGLAKE_..."
        raise BadSetting(
            f"environment: {variable}: is not JSON; leave it out and write it into taglake.toml"
        ) from None


def _reading(path: Path) -> type[Settings]:
    """Return Settings that read `path` below the environment."""

    class FileSettings(Settings):
        """Settings bound to one file."""

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return env_settings, TomlConfigSettingsSource(settings_cls, toml_file=path)

    return FileSettings


def _told(path: Path, problem: Any) -> str:
    """Return one line that names the setting, its value and what is wrong."""
    name = ".".join(str(part) for part in problem["loc"]) or "settings"
    if problem["type"] == "extra_forbidden":
        return f"{path}: {name}: there is no such setting; taglake.example.toml lists them"
    value = _PASSWORD.sub(r"\1:***@", repr(problem["input"]))[:80]
    wrong = problem["msg"].removeprefix("Value error, ")
    return f"{path} or environment: {name} = {value}: {wrong}"
