"""All methods: their keywords, and how they are made for one side or the other.

A new method is one row here and one file in ``methods``.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from cygnet.base.secret import Secret
from cygnet.eap.errors import EapConfigError
from cygnet.eap.methods.gtc import PeerGtc, ServerGtc
from cygnet.eap.methods.md5 import PeerMd5, ServerMd5
from cygnet.eap.methods.mschapv2 import PeerMschapv2, ServerMschapv2
from cygnet.eap.methods.peap import PeapPeer, PeapServer
from cygnet.eap.methods.tls import PeerTls, ServerTls
from cygnet.eap.methods.ttls_peer import TtlsEapPeer, TtlsMschapv2Peer, TtlsPapPeer
from cygnet.eap.methods.ttls_server import TtlsServerTunnel, TtlsStyle
from cygnet.eap.methods.tunnels import PeerPeap, PeerTtls, PeerTunnel, ServerPeap, ServerTtls
from cygnet.eap.packets import GTC, MD5, MSCHAPV2, PEAP, TLS, TTLS, EapType
from cygnet.eap.peer import PeerConversation, PeerMethods
from cygnet.eap.ports import PeerMethod, Random, ServerMethod, Users, UserSecret
from cygnet.eap.server import ServerConversation, ServerMethods
from cygnet.eap.tls.options import TlsOptions
from cygnet.eap.tls.session import TlsSession

INNER = (MSCHAPV2, MD5, GTC)
"""What a tunnel may hold."""


@dataclass(frozen=True, slots=True)
class PeerSetup:
    """What a peer's methods are made of. ``identity`` is the real one, which a tunnel hides.

    ``inner`` are the methods allowed in a tunnel, ``ttls_style`` is how EAP-TTLS authenticates inside.
    """

    identity: bytes
    rng: Random = field(repr=False)
    secret: UserSecret | None = None
    tls: TlsOptions | None = None
    inner: tuple[EapType, ...] = INNER
    ttls_style: TtlsStyle = TtlsStyle.EAP


@dataclass(frozen=True, slots=True)
class ServerSetup:
    """What a server's methods are made of. ``name`` is what it calls itself in challenges.

    ``piggyback``: PEAP asks inside together with the end of a TLS 1.2 handshake (in TLS 1.3 it always does).
    """

    name: bytes
    rng: Random = field(repr=False)
    users: Users = field(repr=False)
    tls: TlsOptions | None = None
    inner: tuple[EapType, ...] = INNER
    ttls_styles: frozenset[TtlsStyle] = frozenset(TtlsStyle)
    piggyback: bool = False


def peer_methods(types: Iterable[EapType], setup: PeerSetup) -> PeerMethods:
    """Methods for a conversation of ours as a peer, in the order of ``types``; unknown types raise."""
    return {kind: partial(_row(kind).peer, setup) for kind in types}


def server_methods(types: Iterable[EapType], setup: ServerSetup, identity: bytes) -> ServerMethods:
    """Methods for a conversation of ours as a server with ``identity``, in the order of ``types``."""
    return {kind: partial(_row(kind).server, setup, identity) for kind in types}


@dataclass(frozen=True, slots=True)
class Row:
    """A method. ``mutual`` ones prove the server too, ``keyed`` ones make an MSK (RFC 5998, 4 wants both)."""

    type: EapType
    keyword: str
    mutual: bool
    keyed: bool
    peer: Callable[[PeerSetup], PeerMethod] = field(repr=False)
    server: Callable[[ServerSetup, bytes], ServerMethod] = field(repr=False)


def _peer_md5(setup: PeerSetup) -> PeerMethod:
    return PeerMd5(setup.identity, _password(setup, MD5))


def _server_md5(setup: ServerSetup, identity: bytes) -> ServerMethod:
    return ServerMd5(identity, setup.name, setup.users, setup.rng)


def _peer_gtc(setup: PeerSetup) -> PeerMethod:
    return PeerGtc(setup.identity, _password(setup, GTC))


def _server_gtc(setup: ServerSetup, identity: bytes) -> ServerMethod:
    return ServerGtc(identity, setup.users)


def _peer_mschapv2(setup: PeerSetup) -> PeerMethod:
    return PeerMschapv2(setup.identity, _secret(setup, MSCHAPV2), setup.rng)


def _server_mschapv2(setup: ServerSetup, identity: bytes) -> ServerMethod:
    return ServerMschapv2(setup.name, setup.users, setup.rng)


def _peer_tls(setup: PeerSetup) -> PeerMethod:
    return PeerTls(setup.identity, _tls(setup, TLS))


def _server_tls(setup: ServerSetup, identity: bytes) -> ServerMethod:
    return ServerTls(identity, _tls(setup, TLS))


def _peer_ttls(setup: PeerSetup) -> PeerMethod:
    def inside(session: TlsSession) -> PeerTunnel:
        if setup.ttls_style is TtlsStyle.PAP:
            return TtlsPapPeer(setup.identity, _password(setup, TTLS))
        if setup.ttls_style is TtlsStyle.MSCHAPV2:
            return TtlsMschapv2Peer(setup.identity, _secret(setup, TTLS), setup.rng, session)
        return TtlsEapPeer(setup.identity, _inner_peer(setup))

    return PeerTtls(_tls(setup, TTLS), inside)


def _server_ttls(setup: ServerSetup, identity: bytes) -> ServerMethod:
    inside = partial(TtlsServerTunnel, setup.ttls_styles, setup.users, partial(_inner_server, setup))
    return ServerTtls(_tls(setup, TTLS), inside)


def _peer_peap(setup: PeerSetup) -> PeerMethod:
    return PeerPeap(_tls(setup, PEAP), lambda _: PeapPeer(_inner_peer(setup)))


def _server_peap(setup: ServerSetup, identity: bytes) -> ServerMethod:
    return ServerPeap(_tls(setup, PEAP), lambda _: PeapServer(_inner_server(setup)), setup.piggyback)


METHODS = (
    Row(MD5, "md5", False, False, _peer_md5, _server_md5),
    Row(GTC, "gtc", False, False, _peer_gtc, _server_gtc),
    Row(MSCHAPV2, "mschapv2", True, True, _peer_mschapv2, _server_mschapv2),
    Row(TLS, "tls", True, True, _peer_tls, _server_tls),
    Row(TTLS, "ttls", True, True, _peer_ttls, _server_ttls),
    Row(PEAP, "peap", True, True, _peer_peap, _server_peap),
)

_BY_TYPE = {row.type: row for row in METHODS}
_BY_KEYWORD = {row.keyword: row for row in METHODS}


def by_type(type: EapType) -> Row | None:
    """The row of a method, if it is one of ours."""
    return _BY_TYPE.get(type)


def by_keyword(keyword: str) -> Row | None:
    """The row of ``md5``, ``mschapv2``, … as in ``leftauth=eap-md5``."""
    return _BY_KEYWORD.get(keyword)


def _row(type: EapType) -> Row:
    row = _BY_TYPE.get(type)
    if row is None:
        known = ", ".join(row.keyword for row in METHODS)
        raise EapConfigError(f"{type} is not supported; known are {known}")
    return row


def _inner_peer(setup: PeerSetup) -> PeerConversation:
    return PeerConversation(setup.identity, peer_methods(_inner(setup.inner), setup))


def _inner_server(setup: ServerSetup) -> ServerConversation:
    return ServerConversation(partial(server_methods, _inner(setup.inner), setup), setup.rng)


def _inner(types: tuple[EapType, ...]) -> tuple[EapType, ...]:
    """No tunnels in tunnels, which would have no end."""
    return tuple(kind for kind in types if kind in INNER)


def _secret(setup: PeerSetup, type: EapType) -> UserSecret:
    if setup.secret is None:
        raise EapConfigError(f"{type} needs an EAP secret for '{setup.identity.decode('utf-8', 'replace')}'")
    return setup.secret


def _password(setup: PeerSetup, type: EapType) -> Secret:
    password = _secret(setup, type).password
    if password is None:
        raise EapConfigError(f"{type} needs the password itself; an NT hash is not enough")
    return password


def _tls(setup: PeerSetup | ServerSetup, type: EapType) -> TlsOptions:
    if setup.tls is None:
        raise EapConfigError(f"{type} needs certificates")
    return setup.tls
