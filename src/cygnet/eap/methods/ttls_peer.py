"""The peer inside an EAP-TTLS tunnel (RFC 5281, 11.2)."""

import hmac

from cygnet.base.secret import Secret
from cygnet.eap.errors import EapConfigError, EapError
from cygnet.eap.methods.avps import (
    EAP_MESSAGE,
    MS_CHAP2_RESPONSE,
    MS_CHAP2_SUCCESS,
    MS_CHAP_CHALLENGE,
    MS_CHAP_ERROR,
    USER_NAME,
    USER_PASSWORD,
    build_avps,
    parse_avps,
)
from cygnet.eap.methods.mschapv2_packets import failure_text, response_value, signature
from cygnet.eap.mschap import (
    CHALLENGE,
    Exchange,
    authenticator_response,
    nt_hash_of,
    nt_response,
    without_domain,
)
from cygnet.eap.outcomes import NO_TYPE, Proof
from cygnet.eap.packets import IDENTITY, Code, EapPacket
from cygnet.eap.peer import PeerConversation
from cygnet.eap.ports import Random, UserSecret
from cygnet.eap.tls.keys import implicit_challenge
from cygnet.eap.tls.session import TlsSession

_BLOCK = 16


class TtlsEapPeer:
    """EAP inside; the peer begins by saying who it is, unasked (11.2.1)."""

    def __init__(self, identity: bytes, conversation: PeerConversation) -> None:
        self._identity = identity
        self._conversation = conversation
        self._proof: Proof | None = None

    @property
    def failure(self) -> str:
        """That of the conversation."""
        return self._conversation.failure

    def begin(self, identifier: int) -> bytes:
        """EAP-Response/Identity."""
        return _eap(EapPacket(Code.RESPONSE, 0, IDENTITY, self._identity).build())

    def receive(self, plaintext: bytes, identifier: int) -> bytes:
        """The answer to one packet of EAP."""
        packet = parse_avps(plaintext).get(EAP_MESSAGE)
        if packet is None:
            raise EapError("EAP-TTLS: the server sent no EAP-Message")
        turn = self._conversation.process(packet)
        if turn.reason:
            raise EapError(f"inside EAP-TTLS: {turn.reason}")
        self._proof = turn.proof
        return _eap(turn.packet) if turn.packet else b""

    def conclude(self) -> Proof:
        """The server's success outside counts as one inside too (11.2.1)."""
        proof = self._proof or self._conversation.conclude().proof
        assert proof is not None
        return proof


class TtlsPapPeer:
    """User name and password (11.2.5)."""

    failure = ""

    def __init__(self, identity: bytes, password: Secret) -> None:
        self._identity = identity
        self._password = password

    def begin(self, identifier: int) -> bytes:
        """Both; zeros hide the password's length."""
        password = self._password.reveal()
        padded = password + bytes(-len(password) % _BLOCK)
        return build_avps(((USER_NAME, self._identity), (USER_PASSWORD, padded)))

    def receive(self, plaintext: bytes, identifier: int) -> bytes:
        """A server that has more questions than the password is refused."""
        parse_avps(plaintext)
        raise EapError("EAP-TTLS: the server asks for more than the password")

    def conclude(self) -> Proof:
        """All was said at the beginning."""
        return Proof(self._identity, NO_TYPE, inner="PAP")


class TtlsMschapv2Peer:
    """MS-CHAP-V2 without EAP, over a challenge that comes from the tunnel (11.2.4)."""

    failure = ""

    def __init__(self, identity: bytes, secret: UserSecret, rng: Random, session: TlsSession) -> None:
        hashed = nt_hash_of(secret)
        if hashed is None:
            raise EapConfigError("MS-CHAP-V2 needs a password or an NT hash of 16 octets")
        material = implicit_challenge(session, CHALLENGE + 1)
        self._identity = identity
        self._hash = hashed
        self._id = material[CHALLENGE:]
        self._exchange = Exchange(material[:CHALLENGE], rng(CHALLENGE), without_domain(identity))
        self._response = nt_response(hashed, self._exchange)
        self._proven = False

    def begin(self, identifier: int) -> bytes:
        """Who we are, the challenge, and the response to it."""
        value = self._id + b"\x00" + response_value(self._exchange.peer_challenge, self._response)
        return build_avps(
            (
                (USER_NAME, self._identity),
                (MS_CHAP_CHALLENGE, self._exchange.authenticator_challenge),
                (MS_CHAP2_RESPONSE, value),
            )
        )

    def receive(self, plaintext: bytes, identifier: int) -> bytes:
        """The server's proof, which is acknowledged by an empty packet."""
        avps = parse_avps(plaintext)
        if MS_CHAP_ERROR in avps:
            raise EapError(f"inside EAP-TTLS: the server refused us: {failure_text(avps[MS_CHAP_ERROR][1:])}")
        proof = signature(avps.get(MS_CHAP2_SUCCESS, b"")[1:])
        wanted = authenticator_response(self._hash, self._response, self._exchange)
        if not hmac.compare_digest(proof, wanted):
            raise EapError("inside EAP-TTLS: the server does not know the password")
        self._proven = True
        return b""

    def conclude(self) -> Proof:
        """Only a server that has proven the password may say success."""
        if not self._proven:
            raise EapError("EAP-TTLS: the server says success but has not proven the password")
        return Proof(self._identity, NO_TYPE, inner="MS-CHAP-V2")


def _eap(packet: bytes) -> bytes:
    return build_avps(((EAP_MESSAGE, packet),))
