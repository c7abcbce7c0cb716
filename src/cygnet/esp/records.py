"""What the data plane is told and what it tells: SAs, policies, events, reasons for dropping."""

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from cygnet.base.addresses import Address, Host
from cygnet.base.dscp import DscpCopy
from cygnet.base.records import record
from cygnet.base.selectors import TrafficSelector
from cygnet.esp.flows import Flow


class Action(StrEnum):
    """What a policy does with a packet (RFC 4301, 4.4.1)."""

    PROTECT = "protect"
    PASS = "pass"
    DROP = "drop"


class Carriage(StrEnum):
    """How an SA carries packets (RFC 4301, 4.1): whole, or without the header that both ends know."""

    TUNNEL = "tunnel"
    TRANSPORT = "transport"
    BEET = "beet"


class Drop(StrEnum):
    """Why a packet went no further."""

    MALFORMED = "malformed"
    NO_POLICY = "no policy"
    NO_SA = "no SA"
    POLICY = "drop policy"
    HELD = "held for an SA, too many"
    TOO_BIG = "too big"
    UNKNOWN_SPI = "unknown SPI"
    REPLAY = "replayed or left of the window"
    INTEGRITY = "integrity check failed"
    PADDING = "padding wrong"
    NEXT_HEADER = "next header not an IP packet"
    DUMMY = "dummy packet"
    OPTIONS = "IP options or extension headers outside a tunnel"
    FRAGMENT = "fragments that make no whole packet"
    ECN = "congestion mark on a packet that cannot carry it"
    SELECTORS = "inner packet outside the SA's selectors"
    KEEPALIVE = "NAT keep-alive"
    IKE = "IKE on the ESP socket"


class Due(IntEnum):
    """Which lifetime an SA has reached."""

    NONE = 0
    SOFT = 1
    HARD = 2


@record
class Limits:
    """Octets and packets an SA may carry; 0 is no limit. Times are the caller's (a heap of deadlines)."""

    soft_octets: int = 0
    hard_octets: int = 0
    soft_packets: int = 0
    hard_packets: int = 0


@record
class SaParameters:
    """One SA without its keys.

    ``encapsulation`` holds the outer UDP header's ports, sender's first. ``tfc`` pads the packets of a
    tunnel to that many octets (-1: to the MTU). ``source``, ``destination`` are the outer addresses.
    BEET's inner addresses are the first of ``local_ts`` and ``remote_ts``, which are single hosts.
    ``original`` are the addresses that the sender of an inbound transport mode SA wrote, where a NAT has
    changed them: transport checksums cover those (RFC 3948, 3.1.2).
    """

    spi: int
    source: Address
    destination: Address
    reqid: int = 0
    encapsulation: tuple[int, int] | None = None
    replay_window: int = 32
    esn: bool = False
    tfc: int = 0
    copy_dscp: DscpCopy = DscpCopy.OUT
    carriage: Carriage = Carriage.TUNNEL
    original: tuple[Address, Address] | None = None
    limits: Limits = field(default_factory=Limits)
    local_ts: tuple[TrafficSelector, ...] = ()
    remote_ts: tuple[TrafficSelector, ...] = ()


PacketMark = tuple[int, int]


@dataclass(slots=True, eq=False)
class Policy:
    """One entry of the SPD, equal to no other. Outbound ones decide, inbound ones confirm what an SA brought.

    ``whole``: its SAs carry no fragments, so those are put together first (RFC 4301, 4.1, 7). ``mark`` is a
    value and a mask; an outbound policy with one is for packets that came with that very mark.
    """

    outbound: bool
    source: TrafficSelector
    destination: TrafficSelector
    action: Action
    reqid: int = 0
    trap: bool = False
    priority: int = 0
    next_spi: int = 0
    outer_destination: Address | None = None
    whole: bool = False
    mark: PacketMark | None = None
    owner: str = ""


@record
class AcquireWanted:
    """A packet of ``flow`` met a trap."""

    policy: Policy
    flow: Flow


@record
class Expired:
    """An SA reached a limit; after a hard one it is gone from the SAD."""

    parameters: SaParameters
    inbound: bool
    hard: bool


@record
class Moved:
    """An authentic packet of a UDP-encapsulated SA came from elsewhere."""

    parameters: SaParameters
    remote: Host


Event = AcquireWanted | Expired | Moved
