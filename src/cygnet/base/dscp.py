"""Which way the DSCP is copied between the headers of a tunnel (RFC 4301, 5.1.2; RFC 2983)."""

from enum import StrEnum


class DscpCopy(StrEnum):
    """The values are those of strongSwan's ``copy_dscp``."""

    OUT = "out"
    IN = "in"
    BOTH = "yes"
    NEITHER = "no"

    @property
    def outward(self) -> bool:
        """Whether the outer header gets the inner one's."""
        return self in (DscpCopy.OUT, DscpCopy.BOTH)

    @property
    def inward(self) -> bool:
        """Whether the inner header gets the outer one's."""
        return self in (DscpCopy.IN, DscpCopy.BOTH)
