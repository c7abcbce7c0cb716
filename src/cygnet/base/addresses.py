"""Host addresses with a port."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from cygnet.base.records import record

Address = IPv4Address | IPv6Address


@record
class Host:
    """An address and a UDP port; the unspecified address prints as strongSwan's ``%any``."""

    address: Address
    port: int

    @classmethod
    def of(cls, text: str, port: int = 0) -> "Host":
        """The host with the address written in ``text``; raises ``ValueError``."""
        return cls(ip_address(text), port)

    @property
    def family(self) -> int:
        """4 or 6."""
        return self.address.version

    @property
    def is_any(self) -> bool:
        """Whether the address is unspecified."""
        return self.address.is_unspecified

    def with_port(self, port: int) -> "Host":
        """The same address with another port."""
        return Host(self.address, port)

    def __str__(self) -> str:
        return _text(self.address)

    def with_brackets(self) -> str:
        """``ADDRESS[PORT]``, strongSwan's ``%#H``."""
        return f"{_text(self.address)}[{self.port}]"


@lru_cache(maxsize=4096)
def _text(address: Address) -> str:
    """The same few addresses are written many times with each handshake."""
    if address.is_unspecified:
        return "%any" if address.version == 4 else "%any6"
    return str(address)
