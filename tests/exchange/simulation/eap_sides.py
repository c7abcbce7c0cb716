"""Both sides of EAP in one process: users, certificates, and a road between two conversations."""

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.cert.certificates import Certificate
from cygnet.cert.trust import build_chain
from cygnet.eap.catalogue import PeerSetup, ServerSetup, peer_methods, server_methods
from cygnet.eap.errors import EapError
from cygnet.eap.outcomes import Turn
from cygnet.eap.packets import EapType
from cygnet.eap.peer import PeerConversation
from cygnet.eap.ports import CertificateCheck, UserSecret
from cygnet.eap.server import ServerConversation
from cygnet.eap.tls.options import OwnCertificate, TlsOptions
from simulation.authority import Issuer, native_key
from simulation.stores import TODAY

MAX_PACKETS = 220
"""A conversation of 100 requests, the most that tests let TLS have, with identity and result."""
YEARS = (-1000, 1000)
"""Valid now and in simulations: other people's programs know only the real time."""

PASSWORD = Secret("pâss".encode())


def counting(start: int = 0) -> Callable[[int], bytes]:
    """Random octets that are none, and never the same twice."""
    numbers = itertools.count(start)
    return lambda size: (next(numbers) * 0x9E3779B97F4A7C15 % (1 << size * 8)).to_bytes(size, "big")


@dataclass
class Passwords:
    """The users of a server, by name."""

    known: dict[bytes, UserSecret] = field(default_factory=lambda: {b"carol": UserSecret(PASSWORD)})

    def secret(self, user: bytes) -> UserSecret | None:
        return self.known.get(user)

    def accepts(self, user: bytes, password: Secret) -> bool:
        secret = self.known.get(user)
        return secret is not None and secret.password == password


@cache
def root() -> Issuer:
    return Issuer("Root", age_days=YEARS)


def own(name: str, issuer: Issuer | None = None, kind: str = "ec256", **wish: Any) -> OwnCertificate:
    """A certificate for ``name`` with its key, and the CAs below the root."""
    issuer = issuer or root()
    certificate = issuer.issue(name, kind, **{"age_days": YEARS, **wish}).certificate
    assert certificate is not None
    below = () if issuer is root() else (issuer.certificate.der,)
    return OwnCertificate((certificate.der, *below), native_key(kind, name))


def trust(name: str, anchor: Issuer | None = None) -> CertificateCheck:
    """Trusts what ``anchor`` issued for ``name``, by our own trust chain."""
    anchors = [(anchor or root()).certificate]

    def check(chain: tuple[bytes, ...]) -> None:
        leaf, *others = map(Certificate.parse, chain)
        verdict = build_chain(leaf, others, anchors, TODAY)
        if not verdict.ok:
            raise EapError(verdict.reason)
        if Identity.parse(name) not in leaf.names:
            raise EapError(f"certificate {leaf} is not for '{name}'")

    return check


def server_tls(**changes: Any) -> TlsOptions:
    return TlsOptions(**{"verify": trust("carol.test"), "own": own("aaa.test"), **changes})


def peer_tls(**changes: Any) -> TlsOptions:
    return TlsOptions(**{"verify": trust("aaa.test"), "own": own("carol.test"), **changes})


def peer(types: Iterable[EapType], identity: bytes = b"carol", **changes: Any) -> PeerConversation:
    """A peer that knows its password and has a certificate."""
    wish = {"rng": counting(1000), "secret": UserSecret(PASSWORD), "tls": peer_tls(), **changes}
    return PeerConversation(identity, peer_methods(types, PeerSetup(identity, **wish)))


def server(types: Iterable[EapType], identity: bytes | None = None, **changes: Any) -> ServerConversation:
    """A server that knows carol and asks for ``types``."""
    wish = {"rng": counting(), "users": Passwords(), "tls": server_tls(), **changes}
    setup = ServerSetup(b"aaa.test", **wish)
    return ServerConversation(partial(server_methods, tuple(types), setup), setup.rng, identity)


@dataclass
class Talk:
    """How a conversation went: the packets in order, and how it ended on both sides."""

    packets: list[bytes]
    peer: Turn
    server: Turn

    @property
    def agreed(self) -> bool:
        """Both sides have succeeded, with the same keys."""
        one, other = self.peer.proof, self.server.proof
        return one is not None and other is not None and (one.msk, one.emsk) == (other.msk, other.emsk)


Meddle = Callable[[int, bytes], bytes]


def unchanged(_: int, octets: bytes) -> bytes:
    return octets


def talk(peer: PeerConversation, server: ServerConversation, meddle: Meddle = unchanged) -> Talk:
    """Lets both talk until one has ended; ``meddle`` may change the packet with a number on its way."""
    packets: list[bytes] = []

    def carry(octets: bytes) -> bytes:
        packets.append(meddle(len(packets), octets))
        return packets[-1]

    theirs, ours = server.begin(), Turn()
    while len(packets) < MAX_PACKETS:
        ours = peer.process(carry(theirs.packet))
        if ours.over or theirs.over:
            break
        theirs = server.process(carry(ours.packet))
    return Talk(packets, ours, theirs)
