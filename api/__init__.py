"""The /v1 service and the page."""
