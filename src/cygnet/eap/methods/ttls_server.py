"""The server inside an EAP-TTLS tunnel (RFC 5281, 11.2): the peer's first AVPs choose how."""

import hmac
from collections.abc import Callable
from enum import StrEnum

from cygnet.base.secret import Secret
from cygnet.eap.errors import EapError
from cygnet.eap.methods.avps import (
    EAP_MESSAGE,
    MS_CHAP2_RESPONSE,
    MS_CHAP2_SUCCESS,
    MS_CHAP_CHALLENGE,
    USER_NAME,
    USER_PASSWORD,
    Avps,
    build_avps,
    parse_avps,
)
from cygnet.eap.methods.mschapv2 import check_response
from cygnet.eap.methods.mschapv2_packets import take_response
from cygnet.eap.mschap import CHALLENGE, Exchange, authenticator_response, without_domain
from cygnet.eap.outcomes import NO_TYPE, Proof, shown
from cygnet.eap.ports import Users
from cygnet.eap.server import ServerConversation
from cygnet.eap.tls.keys import implicit_challenge
from cygnet.eap.tls.session import TlsSession
from cygnet.wire.reader import Reader


class TtlsStyle(StrEnum):
    """How a user proves itself in the tunnel."""

    EAP = "eap"
    PAP = "pap"
    MSCHAPV2 = "mschapv2"


class TtlsServerTunnel:
    """Takes what ``styles`` allow. ``conversation`` makes the inner EAP server."""

    def __init__(
        self,
        styles: frozenset[TtlsStyle],
        users: Users,
        conversation: Callable[[], ServerConversation],
        session: TlsSession,
    ) -> None:
        self._styles = styles
        self._users = users
        self._make = conversation
        self._session = session
        self._conversation: ServerConversation | None = None
        self._proof: Proof | None = None

    def begin(self, identifier: int) -> bytes:
        """The peer speaks first."""
        return b""

    def receive(self, plaintext: bytes, identifier: int) -> bytes | Proof:
        """The answer, or the proof. After MS-CHAP-V2 the peer's empty packet says that it believes us."""
        if self._proof is not None:
            if plaintext:
                raise EapError("EAP-TTLS: data came instead of an acknowledgement")
            return self._proof
        avps = parse_avps(plaintext)
        if EAP_MESSAGE in avps:
            return self._eap(avps[EAP_MESSAGE])
        if self._conversation is None and USER_PASSWORD in avps:
            return self._pap(avps)
        if self._conversation is None and MS_CHAP2_RESPONSE in avps:
            return self._mschapv2(avps)
        raise EapError("EAP-TTLS: the peer sent nothing that we can authenticate it by")

    def _allow(self, style: TtlsStyle) -> None:
        if style not in self._styles:
            allowed = ", ".join(sorted(self._styles))
            raise EapError(f"EAP-TTLS: the peer uses {style} inside; allowed here: {allowed}")

    def _eap(self, packet: bytes) -> bytes | Proof:
        if self._conversation is None:
            self._allow(TtlsStyle.EAP)
            self._conversation = self._make()
            turn = self._conversation.volunteered(packet)
        else:
            turn = self._conversation.process(packet)
        if turn.reason:
            raise EapError(f"inside EAP-TTLS: {turn.reason}")
        return turn.proof or build_avps(((EAP_MESSAGE, turn.packet),))

    def _pap(self, avps: Avps) -> Proof:
        self._allow(TtlsStyle.PAP)
        user = _user(avps)
        if not self._users.accepts(user, Secret(avps[USER_PASSWORD].rstrip(b"\x00"))):
            raise EapError(f"inside EAP-TTLS: no such user or wrong password for '{shown(user)}'")
        return Proof(user, NO_TYPE, inner="PAP")

    def _mschapv2(self, avps: Avps) -> bytes:
        self._allow(TtlsStyle.MSCHAPV2)
        user = _user(avps)
        material = implicit_challenge(self._session, CHALLENGE + 1)
        value = Reader(avps[MS_CHAP2_RESPONSE], "MS-CHAP2-Response")
        ident, _flags = value.take(1), value.take(1)
        peer_challenge, response = take_response(value)
        if not hmac.compare_digest(avps.get(MS_CHAP_CHALLENGE, b"") + ident, material):
            raise EapError("inside EAP-TTLS: the peer's MS-CHAP-V2 challenge is not that of the tunnel")
        exchange = Exchange(material[:CHALLENGE], peer_challenge, without_domain(user))
        try:
            hashed = check_response(self._users, user, response, exchange)
        except EapError as error:
            raise EapError(f"inside EAP-TTLS: {error}") from error
        self._proof = Proof(user, NO_TYPE, inner="MS-CHAP-V2")
        return build_avps(((MS_CHAP2_SUCCESS, ident + authenticator_response(hashed, response, exchange)),))


def _user(avps: Avps) -> bytes:
    if not avps.get(USER_NAME):
        raise EapError("EAP-TTLS: the peer did not say its user name")
    return avps[USER_NAME]
