"""What a keying daemon may ask of a kernel, and what comes back: records and one protocol.

The backends are ``xfrm`` (netlink), ``userland`` (``espd``) and ``memory`` (tests). The records suit
RFC 4301's databases: the SAD (:class:`SaSpec`), the SPD (:class:`PolicySpec`); algorithms are IANA
transform numbers (``crypto.tables`` has their kernel names).

Calls block until the kernel has answered and raise :class:`KernelError`. They may come from any thread.
"""

from collections.abc import Callable
from dataclasses import field
from enum import IntEnum, StrEnum
from typing import Protocol

from cygnet.base.addresses import Address, Host
from cygnet.base.dscp import DscpCopy
from cygnet.base.errors import LocalError
from cygnet.base.records import record
from cygnet.base.secret import Secret
from cygnet.base.selectors import TrafficSelector
from cygnet.kernel.addresses import AddressPort
from cygnet.kernel.bindings import Interface as Interface
from cygnet.kernel.bindings import InterfaceKind as InterfaceKind
from cygnet.kernel.bindings import InterfaceSpec as InterfaceSpec
from cygnet.kernel.bindings import IpTfs as IpTfs
from cygnet.kernel.bindings import Mark as Mark
from cygnet.kernel.bindings import Offload as Offload


class KernelError(LocalError):
    """The kernel refused; the text names the algorithm, module, capability or entry that is missing."""

    notify = 14  # NO_PROPOSAL_CHOSEN (RFC 7296, 3.10.1)


class IpProtocol(IntEnum):
    """IP protocol numbers of IPsec."""

    ESP = 50
    AH = 51
    IPCOMP = 108


class Mode(StrEnum):
    """How an SA carries packets; the values are those of ``ipsec statusall``."""

    TUNNEL = "TUNNEL"
    TRANSPORT = "TRANSPORT"
    BEET = "BEET"
    IPTFS = "IPTFS"
    PASS = "PASS"
    DROP = "DROP"


class Direction(StrEnum):
    """Which packets a policy or an SA is about. ``forward`` is ``in`` for packets to be routed on."""

    IN = "in"
    OUT = "out"
    FORWARD = "fwd"


@record
class SaId:
    """What names an SA in the SAD (RFC 4301, 4.1). ``spi`` is that of its receiver."""

    source: Address
    destination: Address
    protocol: IpProtocol
    spi: int


@record
class Algorithm:
    """An encryption or integrity algorithm with its key, salt included (RFC 7296, 2.17).

    ``icv_bits`` is what an integrity algorithm is cut to, where that is not its own length (``sha256_96``).
    """

    number: int
    key_bits: int
    key: Secret
    icv_bits: int = 0


@record
class Compression:
    """IPComp within an SA: transform, and the CPI of its receiver (RFC 3173; RFC 7296, 2.22)."""

    transform: int
    cpi: int


@record
class Lifetime:
    """When an SA expires; 0 is never. Seconds from installation, octets and packets carried."""

    soft_s: float = 0
    hard_s: float = 0
    soft_bytes: int = 0
    hard_bytes: int = 0
    soft_packets: int = 0
    hard_packets: int = 0


@record
class Encapsulation:
    """Encapsulation in UDP (RFC 3948), or TCP (RFC 9329): the ports of that header, sender's first."""

    source_port: int
    destination_port: int
    tcp: bool = False


@record
class SaSpec:
    """One direction of a CHILD_SA. ``inbound`` tells whether we are its receiver.

    ``tfc`` pads the packets of a tunnel to so many octets, -1 to what the path carries. ``compression`` is an
    IPComp SA of its own inside this one. The inner addresses of BEET are the first of ``local_ts`` and of
    ``remote_ts``. ``original`` are the addresses, source first, that the peer wrote into its packets where
    a NAT has changed them on the way: transport checksums cover those (RFC 3948, 3.1.2). ``if_id`` binds it
    to an XFRM interface; packets it has protected, or let in, get ``output_mark``; ``cpu`` is the one that
    uses it (RFC 9611).
    """

    id: SaId
    reqid: int
    mode: Mode
    inbound: bool
    encryption: Algorithm | None = None
    integrity: Algorithm | None = None
    lifetime: Lifetime = field(default_factory=Lifetime)
    encapsulation: Encapsulation | None = None
    replay_window: int = 32
    esn: bool = False
    tfc: int = 0
    mark: Mark | None = None
    copy_dscp: DscpCopy = DscpCopy.OUT
    compression: Compression | None = None
    original: tuple[Address, Address] | None = None
    local_ts: tuple[TrafficSelector, ...] = ()
    remote_ts: tuple[TrafficSelector, ...] = ()
    if_id: int = 0
    output_mark: Mark | None = None
    offload: Offload = Offload.NO
    cpu: int | None = None
    iptfs: IpTfs | None = None


@record
class PolicySpec:
    """What happens to packets from ``source`` to ``destination`` (RFC 4301, 4.4.1).

    A CHILD_SA needs one for ``OUT`` (``source`` is local) and one each for ``IN`` and ``FORWARD``
    (``source`` is remote); backends ignore those that their data plane does not need.
    ``action`` PASS and DROP are shunts; the others protect with the SA of ``reqid`` between the two
    outer addresses. With ``trap`` there is no SA yet: a packet makes an :class:`Acquire`.
    The policy with the lowest ``priority`` wins (0: computed as :mod:`cygnet.esp.priorities` says, so that
    the most specific wins); among equals one without ``trap`` stands before one with it, then the newest
    before older ones. ``next_spi`` is the outbound SA to be used (0, or that SA gone: the newest of
    ``reqid``).
    ``compression``: that SA has IPComp inside. ``outer_destination`` is ``None`` for a trap whose peer is
    each packet's own destination. ``per_cpu``: acquires name the CPU (RFC 9611). Two specifications are
    the same policy when they are equal in every field.
    """

    direction: Direction
    source: TrafficSelector
    destination: TrafficSelector
    action: Mode
    reqid: int = 0
    outer_source: Address | None = None
    outer_destination: Address | None = None
    protocol: IpProtocol = IpProtocol.ESP
    trap: bool = False
    priority: int = 0
    mark: Mark | None = None
    next_spi: int = 0
    compression: bool = False
    if_id: int = 0
    per_cpu: bool = False
    offload: Offload = Offload.NO


@record
class DropCount:
    """How many packets were dropped for one reason."""

    reason: str
    packets: int


@record
class Usage:
    """What an SA has carried and dropped; ``last_used_s`` is seconds since its last packet, ``None`` without.
    """

    bytes: int = 0
    packets: int = 0
    last_used_s: float | None = None
    drops: tuple[DropCount, ...] = ()


@record
class Acquire:
    """A packet met a trap policy: an SA of ``reqid`` is wanted for its ends, perhaps for one CPU."""

    reqid: int
    source: TrafficSelector
    destination: TrafficSelector
    cpu: int | None = None


@record
class Expire:
    """An SA reached its soft or hard lifetime."""

    id: SaId
    hard: bool


@record
class MappingChange:
    """Authentic ESP came from a new address or port (RFC 3948, RFC 7296, 2.23)."""

    id: SaId
    remote: Host


@record
class Migrate:
    """Somebody else (a Mobile IPv6 daemon) moved a policy and its SAs; IKE shall go between these hosts."""

    reqid: int
    direction: Direction
    source: TrafficSelector
    destination: TrafficSelector
    local: Address
    remote: Address


@record
class AddressChange:
    """Addresses, links or routes of this host changed; with ``routes_only`` nothing but routes."""

    routes_only: bool = False


@record
class KernelReset:
    """The data plane started anew and holds nothing of what was installed."""


KernelEvent = Acquire | Expire | MappingChange | Migrate | AddressChange | KernelReset


@record
class SaMove:
    """An SA that gets other outer addresses or ports; ``before`` are those that it has."""

    old: SaId
    new: SaId
    encapsulation: Encapsulation | None = None
    before: Encapsulation | None = None


@record
class PolicyMove:
    """A policy that changes, of one CHILD_SA; ``old`` has been added."""

    old: PolicySpec
    new: PolicySpec


@record
class SaView:
    """An SA as the data plane holds it; ``ours`` is what a daemon of this instance made."""

    id: SaId
    ours: bool
    reqid: int = 0
    mode: Mode | None = None
    usage: Usage = field(default_factory=Usage)
    encapsulation: Encapsulation | None = None
    mark: Mark | None = None
    if_id: int = 0


@record
class KernelView:
    """What the data plane holds and has dropped. ``policies``, ``routes`` and ``interfaces`` are lines for
    people, as far as it tells."""

    name: str
    sas: tuple[SaView, ...]
    policies: tuple[str, ...]
    routes: tuple[str, ...] = ()
    interfaces: tuple[str, ...] = ()
    reservations: int = 0
    policy_count: int = 0
    foreign_policies: int = 0
    drops: tuple[DropCount, ...] = ()


@record
class Difference:
    """Where the data plane is not as it should be. ``missing`` is an SA that is gone and cannot come back by
    itself, since nobody keeps its keys; ``repaired`` and ``failure`` tell what became of a repair."""

    text: str
    missing: SaId | None = None
    repaired: bool = False
    failure: str = ""


@record
class Features:
    """What this backend can do. ``compression`` holds IPComp transforms, ``protocols`` those of SAs.

    ``device`` is the interface that packets enter and leave tunnels by, empty where they keep their own.
    ``bindings``: interfaces of connections, interface ids, output marks, hardware offload.
    """

    name: str
    encryption: frozenset[int]
    integrity: frozenset[int]
    modes: frozenset[Mode]
    protocols: frozenset[IpProtocol] = frozenset({IpProtocol.ESP})
    compression: frozenset[int] = frozenset()
    tfc: bool = True
    esn: bool = True
    udp_encapsulation_only: bool = False
    device: str = ""
    bindings: bool = False


class Kernel(AddressPort, Protocol):
    """The kernel port. ``start`` delivers events to ``listener`` on the backend's own thread."""

    @property
    def features(self) -> Features:
        """What can be installed here."""

    def start(self, listener: Callable[[KernelEvent], None]) -> None:
        """Remove what an earlier daemon of ours left behind, then begin to deliver events."""

    def close(self, flush: bool) -> None:
        """End; with ``flush`` everything this daemon installed goes."""

    def allocate_spi(self, source: Address, destination: Address, protocol: IpProtocol) -> int:
        """A fresh inbound SPI for packets from ``source`` to ``destination``, reserved for us."""

    def allocate_cpi(self, source: Address, destination: Address) -> int:
        """A fresh inbound CPI of 16 bits for IPComp (RFC 3173, 3.3), freed with the SA that has it, or by
        :meth:`release_cpi`."""

    def release_cpi(self, source: Address, destination: Address, cpi: int) -> None:
        """Give back a CPI that no SA has got."""

    def add_sa(self, spec: SaSpec) -> None:
        """Install an SA (over the SPI reservation where it is inbound)."""

    def update_sa(self, id: SaId, new: SaId, encapsulation: Encapsulation | None) -> None:
        """Move an SA to other outer addresses or ports; keys, counters and windows stay."""

    def migrate(self, sas: tuple[SaMove, ...], policies: tuple[PolicyMove, ...]) -> None:
        """Move a CHILD_SA's SAs and policies together, with as few packets lost as can be (RFC 4555, 3.5).

        All of them, or none and raise.
        """

    def delete_sa(self, id: SaId) -> None:
        """Remove an SA or a reservation; one that is gone already is no error."""

    def query_sa(self, id: SaId) -> Usage:
        """What the SA has carried so far."""

    def drops(self) -> tuple[DropCount, ...]:
        """What the data plane has dropped, of all SAs and of none."""

    def add_policy(self, spec: PolicySpec) -> None:
        """Install a policy with its route, or count another user of an equal one."""

    def delete_policy(self, spec: PolicySpec) -> None:
        """Take back one use of a policy; it goes with the last."""

    def install(self, sas: tuple[SaSpec, ...], policies: tuple[PolicySpec, ...]) -> None:
        """:meth:`add_sa` and :meth:`add_policy` for what belongs together: all of it, or none and raise."""

    def remove(self, policies: tuple[PolicySpec, ...], sas: tuple[SaId, ...]) -> None:
        """:meth:`delete_policy` and :meth:`delete_sa` for what belongs together, in that order."""

    def acquire_failed(self, reqid: int) -> None:
        """Nothing came of the :class:`Acquire` of this reqid; after some seconds packets may ask again.

        Backends whose kernel ends acquires by itself have nothing to do.
        """

    def open_interface(self, spec: InterfaceSpec) -> Interface:
        """The connection's interface, made or found, with one more user."""

    def close_interface(self, interface: Interface) -> None:
        """One user less; it goes with the last."""

    def view(self) -> KernelView:
        """What there is."""

    def check(self, repair: bool) -> tuple[Difference, ...]:
        """Compare what the data plane holds with what it was told to; with ``repair`` mend what can be."""

    def source_address(self, destination: Address) -> Address | None:
        """The address this host uses towards ``destination``, ``None`` without a route."""

    def local_addresses(self) -> tuple[Address, ...]:
        """This host's addresses, without loopback and link-local ones."""
