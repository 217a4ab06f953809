"""What an operator may set of the API; each default has its reason beside it."""

from pydantic import BaseModel, ConfigDict, Field


class ApiSettings(BaseModel):
    """The API's section of `taglake.toml`: plain values, checked once, never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    body_bytes: int = Field(default=1 << 20, ge=1_024)  # a campaign of 100 hashtags is 5 kB
    page_size: int = Field(default=50, ge=1, le=200)  # rows, when the caller names no limit
    request_seconds: float = Field(default=10.0, gt=0)  # until the first byte of an answer
    cors_origins: tuple[str, ...] = ()  # pages of other hosts that may call us; none by default
    docs: bool = False  # /docs and /openapi.json: on for development, off in production
    requests_per_minute: int = Field(default=600, ge=1)  # of one key
    refusals_per_minute: int = Field(default=60, ge=1)  # wrong keys from one address
    cache_seconds: float = Field(default=3.0, ge=0)  # of a shared answer; 0: ask each time
    rollup_seconds: float = Field(default=300.0, ge=0)  # age of a worker's report; 0: never use one
    cache_entries: int = Field(default=512, ge=1)  # answers kept, ~5 kB each
    key_seconds: float = Field(default=2.0, ge=0, le=5)  # a revoked key must die within 5 s
    exports_at_once: int = Field(default=4, ge=1)  # each scans the lake for as long as it lasts
