"""The composition root: the only package that imports all others."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("taglake")
except PackageNotFoundError:  # a checkout that is not installed
    __version__ = "0"
