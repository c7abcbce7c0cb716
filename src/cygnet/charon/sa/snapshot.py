"""What status commands show of an IKE_SA: an immutable picture, published at every check-in.

Times are seconds of the daemon's monotonic clock. ``usage`` of a CHILD_SA is not here; the control
thread asks the kernel.
"""


from cygnet.base.addresses import Address, Host
from cygnet.base.identities import Identity
from cygnet.base.records import record
from cygnet.base.selectors import TrafficSelector
from cygnet.charon.config.records import PeerConfig
from cygnet.charon.config.resolvers import EncryptedResolver
from cygnet.charon.sa.marks import NO_MARKS, Marks
from cygnet.kernel.port import Mode, SaId


@record
class ChildSnapshot:
    """One CHILD_SA. ``state`` is a name of ``CHILD states`` (``INSTALLED``, ``REKEYING`` …).

    ``proposal`` is strongSwan's text, e.g. ``AES_GCM_16_128`` or ``AES_CBC_128/HMAC_SHA2_256_128``.
    ``rekey_at`` and ``expire_at`` are ``None`` when off. ``cpis`` are those of IPComp, in and out, if used.
    """

    name: str
    unique_id: int
    state: str
    mode: Mode
    reqid: int
    protocol: str
    udp: bool
    inbound: SaId
    outbound: SaId
    proposal: str
    local_ts: tuple[TrafficSelector, ...]
    remote_ts: tuple[TrafficSelector, ...]
    installed_at: float
    rekey_at: float | None = None
    expire_at: float | None = None
    cpis: tuple[int, ...] = ()
    marks: Marks = NO_MARKS


    @property
    def duplicate_text(self) -> str:
        """Why no second one like this is made, as strongSwan words it."""
        spis = f"{self.inbound.spi:08x}_i {self.outbound.spi:08x}_o"
        why = f"due to existing duplicate {{{self.unique_id}}} with SPIs {spis}"
        return f"not establishing CHILD_SA {self.name} {why}"


@record
class IkeSnapshot:
    """One IKE_SA. SPIs are 8 octets; ``initiator`` tells whether we are the original initiator.

    ``peer_certificates`` are in DER, the peer's own first, its root last; ``remote_virtual_ips`` are those
    the peer was given, ``local_virtual_ips`` those it gave us, with the name servers ``dns``
    and ``encrypted_dns``.
    ``succeeds`` is the IKE_SA in whose place this one is being made, 0 for none. ``remote_eap_id`` is the
    user whom the peer proved to be by EAP, ``ppk`` the PPK_ID of the post-quantum pre-shared key in its keys.
    """

    name: str
    unique_id: int
    state: str
    initiator: bool
    local: Host
    remote: Host
    local_id: Identity | None
    remote_id: Identity | None
    spi_i: bytes
    spi_r: bytes
    proposal: str
    established_at: float | None
    rekey_at: float | None
    reauth_at: float | None
    auth: str
    tasks_queued: tuple[str, ...] = ()
    tasks_active: tuple[str, ...] = ()
    tasks_passive: tuple[str, ...] = ()
    children: tuple[ChildSnapshot, ...] = ()
    peer_certificates: tuple[bytes, ...] = ()
    local_virtual_ips: tuple[Address, ...] = ()
    remote_virtual_ips: tuple[Address, ...] = ()
    dns: tuple[Address, ...] = ()
    encrypted_dns: tuple[EncryptedResolver, ...] = ()
    created_at: float = 0.0
    succeeds: int = 0
    config: PeerConfig | None = None
    remote_eap_id: Identity | None = None
    ppk: str = ""

    def concerns(self, name: str) -> bool:
        """Whether this is its name, or that of one of its CHILD_SAs."""
        return name == self.name or any(child.name == name for child in self.children)


@record
class Routed:
    """An installed trap or shunt policy. ``unique_id`` and ``reqid`` are 0 for a shunt."""

    name: str
    unique_id: int
    reqid: int
    mode: Mode
    local_ts: tuple[TrafficSelector, ...]
    remote_ts: tuple[TrafficSelector, ...]
