"""What goes wrong in ``ipsec pki``."""


class PkiError(Exception):
    """What was asked for cannot be done; the text says why."""
