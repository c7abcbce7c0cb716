"""EAP-MSCHAPv2 (draft-kamath-pppext-eap-mschapv2-02): both sides prove the password, and get an MSK.

No retry and no change of password: both need a person at the peer. A server's failure is acknowledged and
the conversation ends.
"""

import hmac

from cygnet.base.secret import Secret
from cygnet.eap.errors import EapConfigError, EapError
from cygnet.eap.methods.mschapv2_packets import (
    Frame,
    Operation,
    build_challenge,
    build_response,
    failure_text,
    parse_challenge,
    parse_frame,
    parse_response,
    signature,
)
from cygnet.eap.mschap import (
    CHALLENGE,
    Exchange,
    authenticator_response,
    nt_hash_of,
    nt_response,
    session_key,
    without_domain,
)
from cygnet.eap.outcomes import Proof, shown
from cygnet.eap.packets import MSCHAPV2, EapPacket
from cygnet.eap.ports import Random, Users, UserSecret


class PeerMschapv2:
    """Answers the challenge, then checks that the server knows the password too."""

    def __init__(self, identity: bytes, secret: UserSecret, rng: Random) -> None:
        hashed = nt_hash_of(secret)
        if hashed is None:
            raise EapConfigError("EAP-MSCHAPv2 needs a password or an NT hash of 16 octets")
        self.failure = ""
        self._identity = identity
        self._hash = hashed
        self._rng = rng
        self._expected: bytes | None = None
        self._msk: Secret | None = None
        self._proven = False

    def process(self, request: EapPacket) -> bytes:
        """The response to a challenge, a success or a failure; each of them comes once."""
        frame = parse_frame(request.data)
        if self.failure:
            raise EapError(self.failure)
        if frame.operation is Operation.CHALLENGE and self._expected is None:
            return self._answer(frame)
        if frame.operation is Operation.SUCCESS and self._expected is not None and not self._proven:
            return self._check(frame.data)
        if frame.operation is Operation.FAILURE:
            self.failure = f"the server refused our EAP-MSCHAPv2: {failure_text(frame.data)}"
            return bytes([Operation.FAILURE])
        raise EapError(f"EAP-MSCHAPv2: {frame.operation.name.lower()} came out of turn")

    def conclude(self) -> Proof:
        """Success counts once the server has proven the password (RFC 2759, 8.8)."""
        if not self._proven or self._msk is None:
            unproven = "EAP-MSCHAPv2: the server says success but has not proven the password"
            raise EapError(self.failure or unproven)
        return Proof(self._identity, MSCHAPV2, self._msk)

    def _answer(self, frame: Frame) -> bytes:
        challenge, _server = parse_challenge(frame.data)
        exchange = Exchange(challenge, self._rng(CHALLENGE), without_domain(self._identity))
        response = nt_response(self._hash, exchange)
        self._expected = authenticator_response(self._hash, response, exchange)
        self._msk = session_key(self._hash, response)
        data = build_response(exchange.peer_challenge, response, self._identity)
        return Frame(Operation.RESPONSE, frame.id, data).build()

    def _check(self, message: bytes) -> bytes:
        if not hmac.compare_digest(signature(message), self._expected or b"\x00"):
            raise EapError("EAP-MSCHAPv2: the server does not know the password")
        self._proven = True
        return bytes([Operation.SUCCESS])


class ServerMschapv2:
    """Challenges a peer; the user is the one that its response names."""

    def __init__(self, name: bytes, users: Users, rng: Random) -> None:
        self._name = name
        self._users = users
        self._challenge = rng(CHALLENGE)
        self._id = rng(1)[0]
        self._proof: Proof | None = None
        self._refused = ""

    def begin(self) -> bytes:
        """The challenge, with our name behind it."""
        return Frame(Operation.CHALLENGE, self._id, build_challenge(self._challenge, self._name)).build()

    def process(self, response: EapPacket) -> bytes | Proof:
        """After a response the verdict, after its acknowledgement the end."""
        frame = parse_frame(response.data)
        if self._refused:
            raise EapError(self._refused)
        if self._proof is None:
            return self._judge(frame)
        if frame.operation is Operation.SUCCESS:
            return self._proof
        if frame.operation is Operation.FAILURE:
            raise EapError("EAP-MSCHAPv2: the peer does not believe that we know the password")
        raise EapError(f"EAP-MSCHAPv2: {frame.operation.name.lower()} came instead of an acknowledgement")

    def _judge(self, frame: Frame) -> bytes:
        if frame.operation is not Operation.RESPONSE or frame.id != self._id:
            what = f"{frame.operation.name.lower()} {frame.id}"
            raise EapError(f"EAP-MSCHAPv2: {what} does not answer challenge {self._id}")
        peer_challenge, response, name = parse_response(frame.data)
        exchange = Exchange(self._challenge, peer_challenge, without_domain(name))
        try:
            hashed = check_response(self._users, name, response, exchange)
        except EapError as error:
            self._refused = f"EAP-MSCHAPv2: {error}"
            return self._failure()
        self._proof = Proof(name, MSCHAPV2, session_key(hashed, response))
        message = authenticator_response(hashed, response, exchange) + b" M=Welcome"
        return Frame(Operation.SUCCESS, self._id, message).build()

    def _failure(self) -> bytes:
        """RFC 2759, 6: error 691, no retry, a challenge that nobody will use."""
        message = f"E=691 R=0 C={bytes(CHALLENGE).hex().upper()} V=3 M=Authentication failed"
        return Frame(Operation.FAILURE, self._id, message.encode()).build()


def check_response(users: Users, name: bytes, response: bytes, exchange: Exchange) -> Secret:
    """The user's NT hash if ``response`` proves it; raises saying who was refused and why."""
    secret = users.secret(name)
    hashed = None if secret is None else nt_hash_of(secret)
    if hashed is None:
        raise EapError(f"no EAP secret is known for '{shown(name)}'")
    if not hmac.compare_digest(nt_response(hashed, exchange), response):
        raise EapError(f"wrong password for '{shown(name)}'")
    return hashed
