"""`python -m taglake`."""

from taglake.cli import main

main()
