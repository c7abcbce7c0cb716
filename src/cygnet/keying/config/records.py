"""Connections as both daemons see them: immutable records, filled by backends.

One ``conn`` of ``ipsec.conf`` becomes a :class:`ChildConfig` inside a :class:`PeerConfig`; connections
that share all but the child part share one peer config, as in strongSwan.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from cygnet.base.addresses import Address
from cygnet.base.dscp import DscpCopy
from cygnet.base.identities import Identity
from cygnet.base.selectors import TrafficSelector
from cygnet.crypto.proposals import Proposal, Protocol
from cygnet.eap.packets import EapType
from cygnet.kernel.port import InterfaceKind, IpProtocol, Lifetime, Mark, Mode, Offload
from cygnet.keying.config.resolvers import EncryptedResolver


class Action(StrEnum):
    """What to do at start, when the peer is dead or when it closes a CHILD_SA (6.x's names).

    CLEAR asks for nothing, even of ``auto=start``; NONE leaves it to what else is wanted.
    """

    NONE = "none"
    CLEAR = "clear"
    TRAP = "trap"
    START = "start"


class Unique(StrEnum):
    """``uniqueids``: how many IKE_SAs one peer identity may have."""

    NO = "no"
    REPLACE = "replace"
    KEEP = "keep"
    NEVER = "never"


class Childless(StrEnum):
    """Whether IKE_SAs come to be without a CHILD_SA (RFC 6023); swanctl's values of ``childless``."""

    ALLOW = "allow"
    PREFER = "prefer"
    FORCE = "force"
    NEVER = "never"


class SendCert(StrEnum):
    """``leftsendcert``."""

    ALWAYS = "always"
    IF_ASKED = "ifasked"
    NEVER = "never"


class Revocation(StrEnum):
    """``strictcrlpolicy``: whether a peer's certificate must be known not to be revoked."""

    NO = "no"
    IF_URI = "ifuri"
    YES = "yes"


class AuthClass(StrEnum):
    """How a side proves its identity; the values are those of ``ipsec statusall``.

    NULL proves nothing (RFC 7619), so ``ANY`` is any but that.
    """

    ANY = "any authentication"
    PUBKEY = "public key authentication"
    PSK = "pre-shared key authentication"
    EAP = "EAP authentication"
    NULL = "NULL authentication"


PASSWORD_CLASSES = frozenset({AuthClass.EAP})
"""Those by which we prove ourselves with a user name and password (``stroke user-creds``)."""


@dataclass(frozen=True, slots=True)
class AuthConfig:
    """One authentication round of one side: what we use (local), or what we demand (remote).

    ``certificates`` are DER certificates, ``public_keys`` raw keys (SubjectPublicKeyInfo in DER): either is
    trusted as it is. ``authorities`` are CA subject DNs one of which the peer's chain must contain;
    ``signature_schemes`` names of ``crypto.signatures`` that may be used, empty for all. ``policies`` are
    OIDs that must all be valid for the peer's certificate, ``groups`` those to one of which it must belong.
    ``eap_methods`` are those allowed, empty for the usual ones. ``eap_identity`` is our user
    name, or the one that the peer must prove (``ANY``: ask who it is; ``None``: the IKE identity);
    ``aaa_identity`` is whom the certificate of a TLS server inside EAP must name.
    """

    auth: AuthClass = AuthClass.PUBKEY
    identity: Identity | None = None
    certificates: tuple[bytes, ...] = ()
    public_keys: tuple[bytes, ...] = ()
    authorities: tuple[Identity, ...] = ()
    send_cert: SendCert = SendCert.IF_ASKED
    signature_schemes: tuple[str, ...] = ()
    min_key_bits: int = 0
    revocation: Revocation = Revocation.NO
    policies: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    eap_methods: tuple[EapType, ...] = ()
    eap_identity: Identity | None = None
    aaa_identity: Identity | None = None


@dataclass(frozen=True, slots=True)
class AddressSpec:
    """``left=`` or ``right=``: hosts by text, or any address (``%any``).

    ``hosts`` holds addresses, prefixes, ranges and DNS names as written, in order of preference.
    """

    hosts: tuple[str, ...] = ()
    port: int = 500
    allow_any: bool = False

    def __str__(self) -> str:
        return ("%" if self.allow_any and self.hosts else "") + (",".join(self.hosts) or "%any")


@dataclass(frozen=True, slots=True)
class IkeConfig:
    """What is needed before the peer is known: addresses and IKE proposals."""

    local: AddressSpec = field(default_factory=AddressSpec)
    remote: AddressSpec = field(default_factory=AddressSpec)
    proposals: tuple[Proposal, ...] = ()
    version: int = 2
    fragmentation: bool = True
    force_encaps: bool = False
    send_certreq: bool = True
    dscp: int = 0
    childless: Childless = Childless.ALLOW


@dataclass(frozen=True, slots=True)
class UniqueMark:
    """``%unique``: a mark of its own for each CHILD_SA; ``per_direction`` (``%unique-dir``): one each way."""

    mask: int = 0xFFFFFFFF
    per_direction: bool = False


@dataclass(frozen=True, slots=True)
class Binding:
    """What a CHILD_SA is bound to in the kernel.

    With ``interface`` it has an interface for itself, named by the kernel backend unless ``name`` is given;
    else ``if_id_in`` and ``if_id_out`` name XFRM interfaces that somebody else makes. Packets that were let
    in, or protected, get ``set_mark_in`` and ``set_mark_out``.
    """

    interface: InterfaceKind | None = None
    name: str = ""
    if_id_in: int = 0
    if_id_out: int = 0
    set_mark_in: Mark | None = None
    set_mark_out: Mark | None = None
    offload: Offload = Offload.NO


@dataclass(frozen=True, slots=True)
class ChildConfig:
    """One CHILD_SA's configuration.

    ``tfc`` is octets to pad to, -1 as the path carries. ``install_policies`` is off where somebody else
    installs them (Mobile IPv6). ``sha256_96`` cuts HMAC-SHA-256 as kernels before Linux 2.6.33 did.
    """

    name: str
    local_ts: tuple[TrafficSelector, ...]
    remote_ts: tuple[TrafficSelector, ...]
    proposals: tuple[Proposal, ...] = ()
    mode: Mode = Mode.TUNNEL
    lifetime: Lifetime = field(default_factory=Lifetime)
    margin_s: float = 540
    fuzz_percent: int = 100
    reqid: int = 0
    replay_window: int = 32
    start_action: Action = Action.NONE
    dpd_action: Action = Action.NONE
    close_action: Action = Action.NONE
    inactivity_s: float = 0
    updown: str = ""
    host_access: bool = False
    tfc: int = 0
    mark_in: Mark | UniqueMark | None = None
    mark_out: Mark | UniqueMark | None = None
    compress: bool = False
    install_policies: bool = True
    sha256_96: bool = False
    copy_dscp: DscpCopy = DscpCopy.OUT
    binding: Binding = field(default_factory=Binding)

    @property
    def protocol(self) -> IpProtocol:
        """AH where that is proposed; a connection has proposals of one protocol."""
        ah = bool(self.proposals) and self.proposals[0].protocol == Protocol.AH
        return IpProtocol.AH if ah else IpProtocol.ESP


@dataclass(frozen=True, slots=True)
class PeerConfig:
    """A peer: how to reach it, how both sides authenticate, what may be protected.

    ``keying_tries`` 0 is ``%forever``; times are seconds, 0 is off. ``virtual_ips`` are what we ask the peer
    for, unspecified for any address of a family; ``pools`` names those that the peer gets its own from.
    ``dns_wanted`` holds families of DNS servers to ask for, ``dns`` servers to tell the peer of;
    ``encdns_wanted`` and ``encdns`` are the same of encrypted DNS (RFC 9464). ``ppk_id``
    names the post-quantum pre-shared key that we use as initiator and demand as responder, ``ppk_required``
    refuses peers that use none (RFC 8784).
    """

    name: str
    ike: IkeConfig
    local: tuple[AuthConfig, ...]
    remote: tuple[AuthConfig, ...]
    children: tuple[ChildConfig, ...] = ()
    unique: Unique = Unique.REPLACE
    ike_lifetime_s: float = 10800
    margin_s: float = 540
    fuzz_percent: int = 100
    rekey: bool = True
    reauth: bool = True
    keying_tries: int = 3
    mobike: bool = True
    dpd_delay_s: float = 0
    virtual_ips: tuple[Address, ...] = ()
    pools: tuple[str, ...] = ()
    dns_wanted: frozenset[int] = frozenset()
    dns: tuple[Address, ...] = ()
    encdns_wanted: frozenset[int] = frozenset()
    encdns: tuple[EncryptedResolver, ...] = ()
    ppk_id: Identity | None = None
    ppk_required: bool = False

    def child(self, name: str) -> ChildConfig | None:
        """The child of that name."""
        return next((child for child in self.children if child.name == name), None)
