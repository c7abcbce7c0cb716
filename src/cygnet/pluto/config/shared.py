"""What pluto reads of records that charon has too, as protocols.

Both daemons shall take these records from one package; until they do, charon's satisfy these protocols as
they are. The enumerations have charon's values, and compare equal to them.
"""

from enum import StrEnum
from typing import Protocol

from cygnet.base.identities import Identity
from cygnet.base.selectors import TrafficSelector
from cygnet.crypto.proposals import Proposal
from cygnet.kernel.port import IpProtocol, Lifetime, Mode


class Action(StrEnum):
    """What to do when the peer is dead or when it closes an IPsec SA.

    CLEAR asks for nothing, even of ``auto=start``; NONE leaves it to what else is wanted.
    """

    NONE = "none"
    CLEAR = "clear"
    TRAP = "trap"
    START = "start"


class Unique(StrEnum):
    """``uniqueids``."""

    NO = "no"
    REPLACE = "replace"
    KEEP = "keep"
    NEVER = "never"


class SendCert(StrEnum):
    """``leftsendcert``."""

    ALWAYS = "always"
    IF_ASKED = "ifasked"
    NEVER = "never"


class AuthConfig(Protocol):
    """How one side authenticates: what we use (local), or what we demand (remote)."""

    @property
    def identity(self) -> Identity | None:
        """Who it is, ``None`` for the address."""

    @property
    def certificates(self) -> tuple[bytes, ...]:
        """In DER."""

    @property
    def send_cert(self) -> StrEnum:
        """A :class:`SendCert`."""


class IkeConfig(Protocol):
    """What is needed before the peer is known."""

    @property
    def proposals(self) -> tuple[Proposal, ...]:
        """``ike=``."""

    @property
    def fragmentation(self) -> bool:
        """Whether messages may travel in fragments."""

    @property
    def force_encaps(self) -> bool:
        """Whether to pretend a NAT, so that ESP travels in UDP."""

    @property
    def send_certreq(self) -> bool:
        """Whether to ask for certificates."""

    @property
    def dscp(self) -> int:
        """Of IKE packets."""


class ChildConfig(Protocol):
    """One IPsec SA's configuration; each pair of its selectors becomes an SA of its own."""

    @property
    def name(self) -> str:
        """The connection's name."""

    @property
    def local_ts(self) -> tuple[TrafficSelector, ...]:
        """Our selectors."""

    @property
    def remote_ts(self) -> tuple[TrafficSelector, ...]:
        """The peer's."""

    @property
    def proposals(self) -> tuple[Proposal, ...]:
        """``esp=`` or ``ah=``; with a group there is perfect forward secrecy."""

    @property
    def protocol(self) -> IpProtocol:
        """ESP or AH."""

    @property
    def mode(self) -> Mode:
        """Tunnel or transport."""

    @property
    def lifetime(self) -> Lifetime:
        """Its end, and, where that is set, when to rekey."""

    @property
    def margin_s(self) -> float:
        """Seconds before the end at which to rekey at the latest."""

    @property
    def fuzz_percent(self) -> int:
        """By how much the margin may be enlarged at random."""

    @property
    def reqid(self) -> int:
        """Of all its IPsec SAs (``reqid=``), 0 where each pair of selectors gets one."""

    @property
    def compress(self) -> bool:
        """Whether to propose IPComp."""

    @property
    def dpd_action(self) -> StrEnum:
        """An :class:`Action`."""

    @property
    def close_action(self) -> StrEnum:
        """An :class:`Action`."""
