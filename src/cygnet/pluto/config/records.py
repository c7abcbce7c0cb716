"""A connection as pluto sees it."""

from dataclasses import dataclass, replace
from enum import StrEnum

from cygnet.base.addresses import Address
from cygnet.keying.config.records import AuthConfig, ChildConfig, IkeConfig, Unique


class Method(StrEnum):
    """How both sides authenticate in phase 1; the values are words for logs and status.

    With HYBRID only the XAUTH server signs. ECDSA or RSA is a matter of our own key.
    """

    PSK = "pre-shared key"
    PUBKEY = "public key"
    XAUTH_PSK = "pre-shared key and XAuth"
    XAUTH_PUBKEY = "public key and XAuth"
    HYBRID = "hybrid"


class Fragmentation(StrEnum):
    """``fragmentation``: ``accept`` sends none itself, ``force`` does even before the peer says it can."""

    YES = "yes"
    NO = "no"
    ACCEPT = "accept"
    FORCE = "force"


XAUTH_METHODS = frozenset({Method.XAUTH_PSK, Method.XAUTH_PUBKEY, Method.HYBRID})
PSK_METHODS = frozenset({Method.PSK, Method.XAUTH_PSK})


@dataclass(frozen=True, slots=True)
class XauthConfig:
    """``xauth=`` and ``xauth_identity=``.

    ``server``: we ask the peer. ``user`` is the name we give as a client, or the one that we demand as a
    server; empty: that of the secret, or any.
    """

    server: bool = False
    user: str = ""


@dataclass(frozen=True, slots=True)
class PeerConfig:
    """A peer: how to reach it, how both sides authenticate, what may be protected.

    ``keying_tries`` 0 is ``%forever``; times are seconds, 0 is off. ``virtual_ips`` are what we ask
    the peer for, unspecified for any address of a family; ``pools`` names those from which it gets one, with
    the name servers ``dns``; ``dns_wanted`` holds families of name servers to ask for. ``push``: the
    server begins mode config. ``pfs``: IPsec SAs whose proposals name no group have that of phase 1.
    ``instance`` counts connections that one template has become, 0 for none.
    """

    name: str
    ike: IkeConfig
    local: AuthConfig
    remote: AuthConfig
    children: tuple[ChildConfig, ...] = ()
    method: Method = Method.PSK
    xauth: XauthConfig | None = None
    aggressive: bool = False
    unique: Unique = Unique.REPLACE
    ike_lifetime_s: float = 10800
    margin_s: float = 540
    fuzz_percent: int = 100
    rekey: bool = True
    keying_tries: int = 3
    dpd_delay_s: float = 0
    dpd_timeout_s: float = 150
    virtual_ips: tuple[Address, ...] = ()
    pools: tuple[str, ...] = ()
    dns_wanted: frozenset[int] = frozenset()
    dns: tuple[Address, ...] = ()
    push: bool = False
    fragmentation: Fragmentation = Fragmentation.YES
    pfs: bool = False
    instance: int = 0

    def child(self, name: str) -> ChildConfig | None:
        """The child of that name."""
        return next((child for child in self.children if child.name == name), None)

    @property
    def peer(self) -> "PeerConfig":
        """What is the same in all connections with this peer, which differ in name and networks."""
        return replace(self, name="", children=(), instance=0)

    @property
    def asks_user(self) -> bool:
        """Whether we are the XAUTH server."""
        return self.method in XAUTH_METHODS and self.xauth is not None and self.xauth.server

    @property
    def is_user(self) -> bool:
        """Whether we are the XAUTH client."""
        return self.method in XAUTH_METHODS and not self.asks_user
