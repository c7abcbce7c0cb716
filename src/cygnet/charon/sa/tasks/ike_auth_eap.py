"""The part of IKE_AUTH that EAP adds: one side of it in between the first AUTH and the last (RFC 7296, 2.16).

``IKE_AUTH`` asks these objects what goes into a message and hands them what came in one.
"""

from cygnet.base.groups import Group
from cygnet.base.identities import Identity
from cygnet.charon.encoding.errors import AuthenticationFailedError
from cygnet.charon.encoding.message import AnyPayload, Message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import Authentication, Eap
from cygnet.charon.sa import ppk
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.authenticators import eap
from cygnet.charon.sa.authenticators.eap_client import EapClient
from cygnet.charon.sa.authenticators.eap_server import EapServer
from cygnet.charon.sa.authenticators.eap_users import user_identity
from cygnet.charon.sa.tasks.task import Draft
from cygnet.eap.outcomes import Proof
from cygnet.keying.config.records import AuthClass, AuthConfig, PeerConfig
from cygnet.keying.sa.authorisation import Facts, comply, failures


class ClientRound:
    """Ours, as initiator ``local``. ``mutual``: the responder proves itself by EAP alone (RFC 5998)."""

    def __init__(self, sa: Association, auth: AuthConfig, local: Identity, *, mutual: bool) -> None:
        self._sa, self._auth, self._local = sa, auth, local
        self.mutual = mutual
        self._client: EapClient | None = None
        self._answer = b""
        sa.auth_name = "EAP"

    def build_first(self, draft: Draft) -> None:
        """No AUTH: that asks the responder to begin with EAP."""
        if self.mutual:
            draft.notify(NotifyType.EAP_ONLY_AUTHENTICATION)

    def build_request(self, draft: Draft) -> None:
        """Our answer, at the end AUTH."""
        proof = self._proof()
        if proof is None:
            draft.add(Eap(self._answer))
        else:
            msk = proof.msk
            draft.add(*ppk.proofs(self._sa, lambda: eap.prove(self._sa, self._local, msk)))

    @property
    def proven(self) -> bool:
        """Whether only the AUTH payloads are missing."""
        return self._proof() is not None

    def process(self, message: Message) -> bool:
        """Take the responder's EAP payload, at the end its AUTH; whether it goes on."""
        sa = self._sa
        proof = self._proof()
        if proof is None:
            if self._client is None:
                self._client = EapClient(sa, self._auth, (self._local, sa.remote_id), mutual=self.mutual)
            self._answer = self._client.answer(_packet(message, "responder"))
            return True
        remote = _known(sa.remote_id)
        eap.verify(sa, message.first(Authentication), remote, proof.msk)
        if self.mutual:
            facts = Facts(remote, AuthClass.EAP, eap_method=proof.method)
            require(sa, facts, sa.peer_config.remote[0])
        return False

    def _proof(self) -> Proof | None:
        return None if self._client is None else self._client.proof


class ServerRound:
    """The peer's ``number``th, as responder; ``configs`` are connections that want EAP of it, best first."""

    def __init__(
        self, sa: Association, configs: tuple[PeerConfig, ...], message: Message, peer: Identity, number: int
    ) -> None:
        self._sa, self._peer, self._number = sa, peer, number
        self.mutual = not number and configs[0].local[0].auth is AuthClass.EAP
        if self.mutual and message.notify(NotifyType.EAP_ONLY_AUTHENTICATION) is None:
            raise AuthenticationFailedError("the peer does not accept EAP-only authentication (RFC 5998)")
        self._configs = tuple(one for one in configs if one.local == configs[0].local)
        rounds = tuple(one.remote[number] for one in self._configs)
        self._server = EapServer(sa, rounds, peer, mutual=self.mutual)
        self._packet = b""
        self.begun = self.done = False

    def begin(self) -> AnyPayload:
        """The first packet, in the first response."""
        self.begun = True
        return Eap(self._server.begin())

    def process(self, message: Message) -> None:
        """Take the peer's EAP payload, at the end its AUTH."""
        proof = self._server.proof
        if proof is not None:
            payload = ppk.presented(self._sa, message, self._sa.peer_config)
            eap.verify(self._sa, payload, self._peer, proof.msk)
            self.done = True
            return
        self._packet = self._server.answer(_packet(message, "initiator"))
        if self._server.proof is not None:
            self._choose(self._server.proof)

    def payload(self) -> AnyPayload:
        """The next packet, at the end our AUTH."""
        proof = self._server.proof
        if proof is None or not self.done:
            return Eap(self._packet)
        return eap.prove(self._sa, _known(self._sa.local_id), proof.msk)

    def _choose(self, proof: Proof) -> None:
        """The first connection that suits what was proven."""
        sa, user = self._sa, user_identity(proof.identity)
        facts = Facts(self._peer, AuthClass.EAP, eap_method=proof.method, eap_identity=user)
        problem: AuthenticationFailedError | None = None
        for config in self._configs:
            try:
                require(sa, facts, config.remote[self._number])
            except AuthenticationFailedError as error:
                problem = problem or error
                continue
            sa.config, sa.remote_eap_id = config, user
            return
        raise problem or AuthenticationFailedError("no connection")


def begin(sa: Association, candidates: tuple[PeerConfig, ...], message: Message) -> ServerRound:
    """The peer wants EAP: with those of the connections that do too; raises if there are none."""
    suitable = tuple(one for one in candidates if one.remote[0].auth is AuthClass.EAP)
    if not suitable:
        wanted = "; ".join(f"'{one.name}' requires {one.remote[0].auth}" for one in candidates[:4])
        raise AuthenticationFailedError(f"peer requested EAP, config unacceptable: {wanted}")
    sa.config = suitable[0]
    return ServerRound(sa, suitable, message, _known(sa.remote_id), 0)


def require(sa: Association, facts: Facts, constraints: AuthConfig) -> None:
    """Raises the first check that fails, with all of them in the log."""
    failed = failures(comply(facts, constraints))
    for text in failed:
        sa.log(Group.CFG, f"constraint check failed: {text}")
    if failed:
        raise AuthenticationFailedError(f"constraint check failed: {failed[0]}")


def expected_round(rounds: tuple[AuthConfig, ...], number: int) -> AuthConfig:
    """What a round of the peer has to prove; raises for one more than were agreed on."""
    if number >= len(rounds):
        what = f"authentication round {number + 1} of the peer, configured are {len(rounds)}"
        raise AuthenticationFailedError(what)
    return rounds[number]


def enough(done: int, rounds: tuple[AuthConfig, ...]) -> None:
    """Raises where the peer ends before it has proven all that is required (RFC 4739)."""
    if done < len(rounds):
        raise AuthenticationFailedError(
            f"constraint check failed: another authentication round required, by {rounds[done].auth}"
        )


def _packet(message: Message, whose: str) -> bytes:
    payload = message.first(Eap)
    if payload is None:
        raise AuthenticationFailedError(f"EAP payload of the {whose} missing")
    return payload.data


def _known(identity: Identity | None) -> Identity:
    if identity is None:
        raise RuntimeError("identities are not known")
    return identity
