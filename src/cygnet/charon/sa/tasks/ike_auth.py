"""IKE_AUTH: both sides prove who they are (RFC 7296, 1.2, 2.15, 2.16)."""

from typing import ClassVar

from cygnet.base.errors import PeerError
from cygnet.base.groups import Group, Level
from cygnet.base.identities import NULL, Identity
from cygnet.charon.encoding import notify as notifies
from cygnet.charon.encoding.errors import AuthenticationFailedError, InvalidSyntaxError
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import (
    Authentication,
    Eap,
    IdentificationInitiator,
    IdentificationResponder,
)
from cygnet.charon.sa import establish, ppk
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.errors import NoFurtherRoundError, RefusedError
from cygnet.charon.sa.tasks import cert_received, proofs
from cygnet.charon.sa.tasks.ike_auth_eap import (
    ClientRound,
    ServerRound,
    begin,
    enough,
    expected_round,
    require,
)
from cygnet.charon.sa.tasks.refusals import identity_refused
from cygnet.charon.sa.tasks.task import DONE, MORE, Draft, Step, Task
from cygnet.eap.packets import Code
from cygnet.keying.config.records import AuthClass, AuthConfig, PeerConfig, Unique
from cygnet.keying.sa.authorisation import Facts, comply, failures
from cygnet.keying.sa.credentials import OwnKey
from cygnet.keying.sa.matching import match_identities

OF_CHILD_SAS = (
    NotifyType.TS_UNACCEPTABLE,
    NotifyType.NO_PROPOSAL_CHOSEN,
    NotifyType.SINGLE_PAIR_REQUIRED,
    NotifyType.NO_ADDITIONAL_SAS,
    NotifyType.INTERNAL_ADDRESS_FAILURE,
    NotifyType.FAILED_CP_REQUIRED,
)
"""Errors that leave the IKE_SA, in a last response which needs no AUTH (RFC 7296, 1.2)."""


class IkeAuth(Task):
    """One round of authentication on each side, EAP in several messages; then the IKE_SA is established."""

    name = "IKE_AUTH"
    opens: ClassVar[Exchange | None] = Exchange.IKE_AUTH
    vital = True

    # As initiator

    def __init__(self, sa: Association, ticket: int = 0) -> None:
        super().__init__(sa, ticket)
        self._client: ClientRound | None = None
        self._server: ServerRound | None = None
        self._ours = self._theirs = 0  # the rounds that are over
        self._follows = True  # the peer has a round to come

    def restart(self) -> None:
        self._client, self._ours, self._theirs, self._follows = None, 0, 0, True
        self.sa.peer_chains = ()

    def build_request(self, draft: Draft) -> Step:
        config = self.sa.peer_config
        if self._client is not None:
            self._client.build_request(draft)
            if self._client.proven:
                self._announce(draft)
        elif self._ours == 0:
            self._begin(draft)
        elif self._ours < len(config.local):
            auth = config.local[self._ours]
            own, local = proofs.own(self.sa, auth, auth.identity or self.sa.local_id)
            draft.add(IdentificationInitiator(local))
            proofs.show(self.sa, draft, auth, own)
            self._begin_round(draft, own, local)
        return MORE

    def _begin(self, draft: Draft) -> None:
        """The first request of all."""
        sa = self.sa
        config = sa.peer_config
        auth = config.local[0]
        own, sa.local_id = proofs.own(sa, auth, auth.identity)
        expected = config.remote[0].identity
        if expected is not None and expected.has_wildcards:
            expected = None
        draft.add(IdentificationInitiator(sa.local_id))
        proofs.show(self.sa, draft, auth, own)
        if expected is not None and self._is_first(expected):
            draft.notify(NotifyType.INITIAL_CONTACT)
        if expected is not None:
            draft.add(IdentificationResponder(expected))
        sa.remote_id = expected
        self._begin_round(draft, own, sa.local_id)

    def _begin_round(self, draft: Draft, own: OwnKey | None, local: Identity) -> None:
        sa = self.sa
        auth = sa.peer_config.local[self._ours]
        if auth.auth is AuthClass.EAP:
            mutual = not self._ours and sa.peer_config.remote[0].auth is AuthClass.EAP
            self._client = ClientRound(sa, auth, local, mutual=mutual)
            self._client.build_first(draft)
            return
        draft.add(*ppk.proofs(sa, lambda: proofs.prove(sa, self._ours, own, local, initiator=True)))
        self._announce(draft)

    def _announce(self, draft: Draft) -> None:
        """With AUTH: whether another round of ours follows (RFC 4739, 2.1)."""
        sa = self.sa
        if self._ours + 1 == len(sa.peer_config.local):
            return
        if not sa.peer.multiple_auth:
            raise NoFurtherRoundError("peer does not support multiple authentication rounds (RFC 4739)")
        draft.notify(NotifyType.ANOTHER_AUTH_FOLLOWS)

    def _is_first(self, remote: Identity) -> bool:
        """Whether to say INITIAL_CONTACT (RFC 7296, 2.4): never in one that is to take another's place."""
        sa = self.sa
        if sa.local_id is None or sa.succeeds or sa.peer_config.unique in (Unique.NO, Unique.NEVER):
            return False
        if sa.peer_config.local[0].auth is AuthClass.NULL:  # nobody can say so (RFC 7619, 2.3)
            return False
        return sa.ports.contacts.is_first(sa.unique_id, sa.local_id, remote)

    def process_response(self, message: Message) -> Step:
        sa, client = self.sa, self._client
        payload = message.first(Authentication)
        has_eap = client is not None and message.first(Eap) is not None
        expected = self._theirs == 0 or (client is not None and client.proven)
        if payload is None and not has_eap:
            self._refused(message, expected=expected or self._follows)
        ppk.accepted(sa, message)
        if self._theirs == 0 or (self._follows and message.first(IdentificationResponder)):
            self._identify(message, payload)
        if client is not None and client.process(message):
            return MORE
        self._client = None
        self._ours = min(self._ours + 1, len(sa.peer_config.local))
        if self._ours < len(sa.peer_config.local) or self._follows:
            return MORE
        enough(self._theirs, sa.peer_config.remote)
        establish.establish(sa)
        sa.finish(self.ticket, True)
        self.ticket = 0
        return DONE

    def _refused(self, message: Message, *, expected: bool) -> None:
        """Raises what the peer says instead of AUTH; between rounds there may be nothing to say."""
        errors = [one.type for one in message.notifies if one.is_error]
        if not errors and not expected:
            return
        if not errors:
            raise RefusedError("AUTH payload missing in the response")
        if not expected and errors[0] in OF_CHILD_SAS:
            return
        identity_refused(self.sa, errors[0])
        raise RefusedError(f"received {notifies.name(errors[0])} notify error")

    def _identify(self, message: Message, payload: Authentication | None) -> None:
        """Who the responder is, with its proof; only EAP may bring that later."""
        sa = self.sa
        identification = message.first(IdentificationResponder)
        if identification is None:
            refusal = message.first(Eap)
            if refusal is not None and refusal.code == Code.FAILURE:
                raise RefusedError("received EAP_FAILURE, EAP authentication failed")
            raise InvalidSyntaxError("IDr payload missing in the response")
        remote, constraints = identification.identity, expected_round(sa.peer_config.remote, self._theirs)
        if payload is not None:
            if self._theirs:
                cert_received.keep_of_round(sa, message)
            self._accept(proofs.verify(self.sa, payload, remote, constraints, initiator=False), constraints)
        elif self._client is None or not self._client.mutual:
            problem = f"'{remote}' wants EAP without proving itself, required is {constraints.auth}"
            raise AuthenticationFailedError(problem)
        else:
            # Before EAP tells anything to a server that is somebody else.
            require(sa, Facts(remote, AuthClass.EAP), constraints)
        self._follows = message.notify(NotifyType.ANOTHER_AUTH_FOLLOWS) is not None
        if self._theirs == 0 and constraints.auth is not AuthClass.NULL:
            sa.remote_id = remote
            sa.negotiation.initial_contact = message.notify(NotifyType.INITIAL_CONTACT) is not None
        self._theirs += 1

    # As responder

    def process_request(self, message: Message) -> Step:
        sa = self.sa
        if self._server is not None:
            self._server.process(message)
            if self._server.done:
                self._round_over(message)
            return MORE
        if not self._follows:
            return MORE
        handshake = sa.negotiation
        id_i, id_r = message.first(IdentificationInitiator), message.first(IdentificationResponder)
        if id_i is None:
            raise InvalidSyntaxError("IDi payload missing in the request")
        if self._theirs:
            self._another(message, id_i.identity)
            return MORE
        handshake.initial_contact = message.notify(NotifyType.INITIAL_CONTACT) is not None
        sa.remote_id = id_i.identity
        asked = id_r.identity if id_r else None
        payload = message.first(Authentication)
        candidates = self._candidates(asked, id_i.identity)
        if payload is None:
            self._server = begin(sa, candidates, message)
            sa.local_id = _own_identity(sa.peer_config.local[0].identity, asked)
        else:
            self._authenticate(message, candidates, asked, id_i.identity)
            self._round_over(message)
        return MORE

    def _another(self, message: Message, peer: Identity) -> None:
        """A further round of the peer, who may have another identity in it."""
        sa = self.sa
        constraints = expected_round(sa.peer_config.remote, self._theirs)
        if message.first(Authentication) is not None:
            cert_received.keep_of_round(sa, message)
            payload = ppk.presented(sa, message, sa.peer_config)
            self._accept(proofs.verify(sa, payload, peer, constraints, initiator=True), constraints)
            self._round_over(message)
        elif constraints.auth is AuthClass.EAP:
            self._server = ServerRound(sa, (sa.peer_config,), message, peer, self._theirs)
        else:
            problem = f"peer requested EAP, config unacceptable: requires {constraints.auth}"
            raise AuthenticationFailedError(problem)

    def _round_over(self, message: Message) -> None:
        self._theirs += 1
        self._follows = message.notify(NotifyType.ANOTHER_AUTH_FOLLOWS) is not None
        if not self._follows:
            enough(self._theirs, self.sa.peer_config.remote)

    def build_response(self, draft: Draft) -> Step:
        sa, server = self.sa, self._server
        if server is not None and server.begun:
            draft.add(server.payload())
        else:
            self._present(draft, server)
        draft.add(*ppk.confirmation(sa))
        if server is not None and not server.done:
            return MORE
        self._server = None
        if self._follows or self._ours < len(sa.peer_config.local):
            return MORE
        self._check_unique()
        establish.establish(sa)
        sa.finish(self.ticket, True)
        self.ticket = 0
        return DONE

    def _present(self, draft: Draft, server: ServerRound | None) -> None:
        """Who we are, with our proof unless EAP is all there is."""
        sa, rounds = self.sa, self.sa.peer_config.local
        if self._ours < len(rounds):
            auth = rounds[self._ours]
            own, local = proofs.own(self.sa, auth, (auth.identity if self._ours else None) or sa.local_id)
            sa.local_id = sa.local_id if self._ours else local
            draft.add(IdentificationResponder(local))
            proofs.show(self.sa, draft, auth, own)
            if server is None or not server.mutual:
                draft.add(proofs.prove(sa, self._ours, own, local, initiator=False))
                self._announce(draft)
            self._ours += 1
        if server is not None:
            draft.add(server.begin())

    def _check_unique(self) -> None:
        """``uniqueids=keep``: who is there already stays, the newcomer is refused."""
        sa = self.sa
        if sa.remote_id is None or sa.local_id is None or sa.negotiation.initial_contact:
            return
        reason = sa.ports.contacts.refusal(sa.peer_config, (sa.local_id, sa.remote_id), sa.remote)
        if reason:
            sa.log(Group.IKE, "cancelling IKE_SA setup due to uniqueness policy")
            raise AuthenticationFailedError(reason)

    def _candidates(self, local: Identity | None, remote: Identity) -> tuple[PeerConfig, ...]:
        """The connections that suit the identities, best first, with the reasons in the log."""
        sa = self.sa
        sa.log(
            Group.CFG,
            f"looking for peer configs matching {sa.local}[{local or '%any'}]...{sa.remote}[{remote}]",
        )
        known = sa.negotiation.candidates
        matches = [ppk.checked(sa, match_identities(config, local, remote)) for config in known]
        suitable = sorted((one for one in matches if one.rank), key=lambda one: -one.rank)
        for one in matches[:32]:
            sa.log(Group.CFG, f"  {one.reason}", Level.DETAIL if suitable else Level.CONTROL)
        if not suitable:
            sa.log(Group.CFG, "no matching peer config found")
            reasons = "; ".join(one.reason for one in matches[:4])
            raise AuthenticationFailedError(f"no matching peer config found ({reasons})")
        sa.log(Group.CFG, f"selected peer config '{suitable[0].config.name}'")
        return tuple(one.config for one in suitable)

    def _authenticate(
        self,
        message: Message,
        candidates: tuple[PeerConfig, ...],
        asked: Identity | None,
        remote: Identity,
    ) -> None:
        """Choose the first connection whose constraints the peer's proof satisfies."""
        sa = self.sa
        problem: PeerError | None = None
        for place, config in enumerate(candidates):
            if place:
                sa.log(Group.CFG, f"switching to peer config '{config.name}'")
            sa.config = config
            sa.local_id = _own_identity(config.local[0].identity, asked)
            try:
                payload = ppk.presented(sa, message, config)
                facts = proofs.verify(self.sa, payload, remote, config.remote[0], initiator=True)
            except PeerError as error:
                sa.log(Group.IKE, str(error))
                problem = problem or error
                continue
            failed = failures(comply(facts, config.remote[0]))
            if not failed:
                self._remember(facts)
                return
            for text in failed:
                sa.log(Group.CFG, f"constraint check failed: {text}")
            sa.log(Group.CFG, f"selected peer config '{config.name}' unacceptable: {failed[0]}")
            problem = problem or AuthenticationFailedError(f"constraint check failed: {failed[0]}")
        sa.log(Group.CFG, "no alternative config found")
        raise AuthenticationFailedError(str(problem))

    # Both

    def _accept(self, facts: Facts, constraints: AuthConfig) -> None:
        require(self.sa, facts, constraints)
        self._remember(facts)

    def _remember(self, facts: Facts) -> None:
        """The certificates of every round count from now on; what nobody has proven does not."""
        sa = self.sa
        if facts.auth is AuthClass.NULL:
            sa.remote_id, sa.negotiation.initial_contact = NULL, False
        if facts.chain:
            sa.peer_chains = (*sa.peer_chains, tuple(one.der for one in facts.chain))


def _own_identity(configured: Identity | None, asked: Identity | None) -> Identity | None:
    """Who we are as responder: as configured, or, where that is open, who the peer wants."""
    if configured is None or configured.has_wildcards:
        return asked if asked is not None and not asked.is_any else None
    return configured
