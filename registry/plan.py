"""What a campaign would cost and find, before it is accepted."""

from registry.allocation import allocate, delays

__all__ = ["allocate", "delays"]
