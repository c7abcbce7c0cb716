"""Failures of a backend that an operator can mend."""

from cygnet.base.errors import LocalError


class ConfigError(LocalError):
    """A connection, authority or file cannot be used; the text says what and why."""
