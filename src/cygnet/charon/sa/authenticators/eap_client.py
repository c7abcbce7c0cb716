"""We are an EAP peer: the initiator of IKE_AUTH proves who it is (RFC 7296, 2.16)."""

from collections.abc import Callable

from cygnet.base.groups import Group
from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.authenticators import eap_tls, tunnel_settings
from cygnet.charon.sa.authenticators.eap_users import user_name
from cygnet.charon.sa.errors import NoPrivateKeyError, RefusedError
from cygnet.eap.catalogue import PeerSetup, by_type, peer_methods
from cygnet.eap.errors import EapError
from cygnet.eap.outcomes import Proof
from cygnet.eap.packets import IDENTITY, MD5, MSCHAPV2, NAK, PEAP, TLS, TTLS, Code, EapType, parse_packet
from cygnet.eap.peer import PeerConversation
from cygnet.eap.ports import PeerMethod, UserSecret
from cygnet.keying.config.eap_names import eap_name
from cygnet.keying.config.records import AuthConfig

USUAL = (MSCHAPV2, TLS, TTLS, PEAP, MD5)
"""What plain ``leftauth=eap`` lets a responder choose; EAP-GTC, which tells the password, only by name."""


class EapClient:
    """One conversation. ``ends`` are we and the responder as IKE knows them.

    ``mutual``: EAP has to prove the responder too (RFC 5998, 4).
    """

    def __init__(
        self,
        sa: Association,
        auth: AuthConfig,
        ends: tuple[Identity, Identity | None],
        *,
        mutual: bool,
    ) -> None:
        self._sa = sa
        self.proof: Proof | None = None
        self._asked: EapType | None = None
        self._identity, secret = _who(sa, auth, ends)
        tls = eap_tls.for_peer(sa, auth, ends)
        types = [kind for kind in auth.eap_methods or USUAL if not mutual or is_mutual(kind)]
        if tls.own is None and auth.eap_methods == (TLS,):
            raise NoPrivateKeyError(f"no private key found for '{auth.eap_identity or ends[0]}'")
        if tls.own is None and TLS in types:
            types.remove(TLS)
        methods: dict[EapType, Callable[[], PeerMethod]] = {}
        for kind in types:
            framed = tunnel_settings.of(sa.ports.settings, kind).framed(tls)
            methods |= peer_methods((kind,), PeerSetup(self._identity, sa.ports.rng, secret, framed))
        self._conversation = PeerConversation(self._identity, methods)

    def answer(self, packet: bytes) -> bytes:
        """The answer to a packet of the server, none to its success, which sets ``proof``; else raises."""
        turn = self._conversation.process(packet)
        self._log_request(packet, turn.packet)
        if turn.reason:
            if packet[:1] == bytes([Code.FAILURE]):
                self._sa.log(Group.IKE, "received EAP_FAILURE, EAP authentication failed")
                raise RefusedError(turn.reason)
            raise EapError(turn.reason)
        if turn.proof is not None:
            succeeded(self._sa, turn.proof)
            self.proof = turn.proof
        return turn.packet

    def _log_request(self, request: bytes, response: bytes) -> None:
        """The first request of each kind; whoever sent nothing readable is told of by the reason."""
        if not response:
            return
        asked, answer = parse_packet(request), parse_packet(response)
        kind, number = asked.type, f"(id 0x{asked.identifier:02X})"
        if kind is None or kind == self._asked:
            return
        self._asked = kind
        if kind == IDENTITY:
            who = self._identity.decode("utf-8", "replace")
            self._sa.log(Group.IKE, f"server requested {eap_name(kind)} {number}, sending '{who}'")
            return
        self._sa.log(Group.IKE, f"server requested {eap_name(kind)} authentication {number}")
        if answer.type == NAK:
            self._sa.log(Group.IKE, f"{eap_name(kind)} is not allowed here, sending EAP_NAK")


def is_mutual(kind: EapType) -> bool:
    """Whether a method proves both sides and makes a key."""
    row = by_type(kind)
    return row is not None and row.mutual and row.keyed


def succeeded(sa: Association, proof: Proof) -> None:
    """Tell it in strongSwan's words."""
    key = "MSK established" if proof.msk.reveal() else "no MSK established"
    sa.log(Group.IKE, f"EAP method {eap_name(proof.method)} succeeded, {key}")


def _who(
    sa: Association, auth: AuthConfig, ends: tuple[Identity, Identity | None]
) -> tuple[bytes, UserSecret | None]:
    """Our name and secret: those set by hand, else ``eap_identity`` or the IKE identity and the file's."""
    user = sa.ports.credentials.user(sa.peer_config.name)
    if user is not None:
        return user.name.encode("utf-8", "surrogateescape"), UserSecret(Secret(user.password.reveal()))
    identity = auth.eap_identity
    if identity is None or identity.is_any:
        identity = ends[0]
    return user_name(identity), sa.ports.credentials.eap_secret(identity, ends[1])
