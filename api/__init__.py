"""The service of `/v1`: keys and tenants, campaigns, reports, exports, the web page."""

from api.app import create_app
from api.settings import ApiSettings

__all__ = ["ApiSettings", "create_app"]
