"""Audiences on the command line: chosen and planned, imported, asked about."""
