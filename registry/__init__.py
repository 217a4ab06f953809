"""One SQL database of clients, keys, campaigns, targets, lanes and jobs.

SQLite on a laptop, PostgreSQL in a fleet, the same code. It is the only engine of coordination:
leases, budgets, request limits and periodic jobs live here, in tables, and nothing else is shared.
"""

from registry.errors import RegistryError
from registry.registry import Registry, open_registry
from registry.secrets import Secret, read_secret

__all__ = ["Registry", "RegistryError", "Secret", "open_registry", "read_secret"]
