"""We are an EAP server: the responder of IKE_AUTH has the initiator prove who it is (RFC 7296, 2.16)."""

from dataclasses import replace

from cygnet.base.groups import Group
from cygnet.base.identities import Identity
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.authenticators import eap_tls, tunnel_settings
from cygnet.charon.sa.authenticators.eap_client import is_mutual, succeeded
from cygnet.charon.sa.authenticators.eap_users import StoredUsers, user_name
from cygnet.charon.sa.errors import EapFailedError
from cygnet.eap.catalogue import ServerSetup, server_methods
from cygnet.eap.outcomes import Proof, Turn, shown
from cygnet.eap.packets import MSCHAPV2, PEAP, TLS, TTLS, EapType, parse_packet
from cygnet.eap.server import ServerConversation, ServerMethods
from cygnet.keying.config.eap_names import eap_name
from cygnet.keying.config.records import AuthConfig

USUAL = (TLS, MSCHAPV2, TTLS, PEAP)
"""What plain ``rightauth=eap`` offers, as far as there is a certificate: what proves both sides."""


class EapServer:
    """One conversation with a peer whose IDi is ``remote``; ``rounds`` are what connections ask of it."""

    def __init__(
        self, sa: Association, rounds: tuple[AuthConfig, ...], remote: Identity, *, mutual: bool
    ) -> None:
        self._sa, self._mutual = sa, mutual
        self.proof: Proof | None = None
        self._started: EapType | None = None
        self._told = False
        named = tuple(dict.fromkeys(kind for one in rounds for kind in one.eap_methods or USUAL))
        self._types = tuple(kind for kind in named if not mutual or is_mutual(kind))
        self._user = _expected(rounds, remote)
        self._conversation = ServerConversation(self._offer, sa.ports.rng, self._user)

    def begin(self) -> bytes:
        """The first packet."""
        return self._take(self._conversation.begin())

    def answer(self, packet: bytes) -> bytes:
        """The next packet, a success once ``proof`` is set; raises :class:`EapFailedError`."""
        return self._take(self._conversation.process(packet))

    def _take(self, turn: Turn) -> bytes:
        if turn.reason:
            raise EapFailedError(f"EAP authentication failed: {turn.reason}", turn.packet)
        if turn.proof is not None:
            succeeded(self._sa, turn.proof)
            self.proof = turn.proof
            return turn.packet
        if self._conversation.failure and not self._told:
            self._told = True  # a peer that gives up now never lets it come to the failure
            self._sa.log(Group.IKE, f"EAP authentication fails: {self._conversation.failure}")
        packet = parse_packet(turn.packet)
        if packet.type is not None and packet.type != self._started:
            self._started = packet.type
            number = f"(id 0x{packet.identifier:02X})"
            self._sa.log(Group.IKE, f"initiating {eap_name(packet.type)} method {number}")
        return turn.packet

    def _offer(self, identity: bytes) -> ServerMethods:
        """Methods for a peer that calls itself ``identity``; those over TLS need a certificate of ours."""
        sa = self._sa
        if self._user is None:
            sa.log(Group.IKE, f"received EAP identity '{shown(identity)}'")
        local = sa.local_id or Identity.from_address(sa.local.address)
        users = StoredUsers(sa.ports.credentials, local)
        setup = ServerSetup(user_name(local), sa.ports.rng, users)
        offered: dict[EapType, object] = {}
        for kind in self._types:
            made = self._over_tls(setup, identity, kind) if kind in eap_tls.TYPES else setup
            if made is not None:
                offered |= server_methods((kind,), made, identity)
        return offered  # type: ignore[return-value]

    def _over_tls(self, setup: ServerSetup, identity: bytes, kind: EapType) -> ServerSetup | None:
        """``None`` for a method that is not offered; the log says why."""
        sa, settings = self._sa, tunnel_settings.of(self._sa.ports.settings, kind)
        tls = None if settings.unfit else eap_tls.for_server(sa, identity, kind)
        if tls is None:
            missing = f"no private key found for '{setup.name.decode('utf-8', 'replace')}'"
            sa.log(Group.IKE, f"{eap_name(kind)} is not offered: {settings.unfit or missing}")
            return None
        inner, styles = settings.inner, settings.styles
        return replace(setup, tls=tls, inner=inner, ttls_styles=styles, piggyback=settings.piggyback)


def _expected(rounds: tuple[AuthConfig, ...], remote: Identity) -> bytes | None:
    """The user where only one will do; ``None``: it has to be asked for."""
    users = {one.eap_identity or remote for one in rounds}
    if len(users) > 1 or any(one.has_wildcards for one in users):
        return None
    return user_name(users.pop())
