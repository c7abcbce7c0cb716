"""How ESP and AH travel between two hosts."""


from cygnet.base.addresses import Address, Host
from cygnet.base.records import record
from cygnet.kernel.port import Encapsulation


@record
class Path:
    """Between which hosts ESP travels, and whether inside UDP (RFC 3948)."""

    local: Host
    remote: Host
    udp: bool

    @property
    def addresses(self) -> tuple[Address, Address]:
        """Ours and the peer's."""
        return self.local.address, self.remote.address

    def encapsulation(self, inbound: bool) -> Encapsulation | None:
        """The ports of the outer UDP header, sender's first."""
        if not self.udp:
            return None
        ports = self.local.port, self.remote.port
        return Encapsulation(*(ports[::-1] if inbound else ports))
