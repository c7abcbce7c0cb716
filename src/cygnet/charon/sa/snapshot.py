"""What status commands show of an IKE_SA: an immutable picture, published at every check-in.

Times are seconds of the daemon's monotonic clock.
"""


from cygnet.base.addresses import Address, Host
from cygnet.base.identities import Identity
from cygnet.base.records import record
from cygnet.keying.config.records import PeerConfig
from cygnet.keying.config.resolvers import EncryptedResolver
from cygnet.keying.sa.child_snapshot import ChildSnapshot


@record
class IkeSnapshot:
    """One IKE_SA. SPIs are 8 octets; ``initiator`` tells whether we are the original initiator.

    ``peer_certificates`` are in DER, the peer's own first, its root last, those of a further round
    behind; ``remote_virtual_ips`` are those the peer was given, ``local_virtual_ips`` those it gave us, with
    the name servers ``dns`` and ``encrypted_dns``.
    ``succeeds`` is the IKE_SA in whose place this one is being made, 0 for none; ``next_spi`` will be our SPI
    of the one that we rekey it to, empty for none. ``remote_eap_id`` is the user whom the peer proved to be
    by EAP, ``ppk`` the PPK_ID of the post-quantum pre-shared key in its keys.
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
    next_spi: bytes = b""

    @property
    def identities(self) -> tuple[Identity | None, Identity | None] | None:
        """By which another IKE_SA of the same peer is found. One nobody is not another (RFC 7619, 2.3)."""
        anonymous = self.remote_id is not None and self.remote_id.is_null
        return None if anonymous else (self.local_id, self.remote_id)

    def concerns(self, name: str) -> bool:
        """Whether this is its name, or that of one of its CHILD_SAs."""
        return name == self.name or any(child.name == name for child in self.children)
