"""What both daemons tell of the same way: CHILD_SAs that come and go, name servers inside tunnels."""

from cygnet.base.addresses import Address
from cygnet.base.records import record
from cygnet.keying.config.records import ChildConfig
from cygnet.keying.config.resolvers import EncryptedResolver
from cygnet.keying.sa.child_snapshot import ChildSnapshot


@record
class ChildUp:
    """A CHILD_SA carries traffic (after a rekeying, too: ``replaces`` names the old one).

    ``initiated``: it was made at our request.
    """

    ike_id: int
    config: ChildConfig
    child: ChildSnapshot
    replaces: int = 0
    initiated: bool = False


@record
class ChildDown:
    """A CHILD_SA is gone; ``rekeyed`` where a newer one took its place."""

    ike_id: int
    config: ChildConfig
    child: ChildSnapshot
    rekeyed: bool = False


@record
class Servers:
    """Name servers inside a tunnel, and the domains that they are for (RFC 8598), none for all names.

    ``virtual_ips`` are our addresses there. ``encrypted`` are resolvers that speak DNS over TLS, HTTPS or
    QUIC (RFC 9464), the best first.
    """

    dns: tuple[Address, ...] = ()
    domains: tuple[str, ...] = ()
    virtual_ips: tuple[Address, ...] = ()
    encrypted: tuple[EncryptedResolver, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.dns or self.encrypted)


@record
class ServersGiven:
    """A peer told us of name servers: they may be asked."""

    servers: Servers


@record
class ServersTaken:
    """The IKE_SA with that peer is gone."""

    servers: Servers
