"""IKE_AUTH: both sides prove who they are (RFC 7296, 1.2, 2.15, 2.16)."""

from typing import ClassVar, NoReturn

from cygnet.base.errors import PeerError
from cygnet.base.groups import Group, Level
from cygnet.base.identities import Identity
from cygnet.charon.config.matching import match_identities
from cygnet.charon.config.records import AuthClass, AuthConfig, PeerConfig, SendCert, Unique
from cygnet.charon.encoding import notify as notifies
from cygnet.charon.encoding.errors import AuthenticationFailedError, InvalidSyntaxError
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import (
    Authentication,
    AuthenticationMethod,
    Eap,
    IdentificationInitiator,
    IdentificationResponder,
)
from cygnet.charon.sa import establish
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.authenticators import psk, pubkey
from cygnet.charon.sa.authenticators.covered import covered
from cygnet.charon.sa.authorisation import Facts, comply, failures
from cygnet.charon.sa.errors import NoPrivateKeyError, RefusedError
from cygnet.charon.sa.ports import OwnKey
from cygnet.charon.sa.tasks import cert_payloads
from cygnet.charon.sa.tasks.ike_auth_eap import ClientRound, ServerRound, begin, require
from cygnet.charon.sa.tasks.refusals import identity_refused
from cygnet.charon.sa.tasks.task import DONE, MORE, Draft, Step, Task


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

    def restart(self) -> None:
        self._client = None

    def build_request(self, draft: Draft) -> Step:
        sa = self.sa
        if self._client is not None:
            self._client.build_request(draft)
            return MORE
        config = sa.peer_config
        auth = config.local[0]
        own, sa.local_id = self._own(auth, auth.identity)
        expected = config.remote[0].identity
        if expected is not None and expected.has_wildcards:
            expected = None
        draft.add(IdentificationInitiator(sa.local_id))
        self._add_certificates(draft, auth, own)
        if expected is not None and self._is_first(expected):
            draft.notify(NotifyType.INITIAL_CONTACT)
        if expected is not None:
            draft.add(IdentificationResponder(expected))
        sa.remote_id = expected
        if auth.auth is AuthClass.EAP:
            self._client = ClientRound(sa)
            self._client.build_first(draft)
        else:
            draft.add(self._prove(own, sa.local_id, expected, initiator=True))
        return MORE

    def _is_first(self, remote: Identity) -> bool:
        """Whether to say INITIAL_CONTACT (RFC 7296, 2.4): never in one that is to take another's place."""
        sa = self.sa
        if sa.local_id is None or sa.succeeds or sa.peer_config.unique in (Unique.NO, Unique.NEVER):
            return False
        return sa.ports.contacts.is_first(sa.unique_id, sa.local_id, remote)

    def process_response(self, message: Message) -> Step:
        sa, client = self.sa, self._client
        payload = message.first(Authentication)
        if payload is None and (client is None or message.first(Eap) is None):
            self._refused(message)
        if client is None or not client.begun:
            self._identify(message, payload)
        if client is not None and client.process(message):
            return MORE
        establish.establish(sa)
        sa.finish(self.ticket, True)
        self.ticket = 0
        return DONE

    def _refused(self, message: Message) -> NoReturn:
        errors = [one.type for one in message.notifies if one.is_error]
        if not errors:
            raise RefusedError("AUTH payload missing in the response")
        identity_refused(self.sa, errors[0])
        raise RefusedError(f"received {notifies.name(errors[0])} notify error")

    def _identify(self, message: Message, payload: Authentication | None) -> None:
        """Who the responder is, with its proof; only EAP may bring that later."""
        sa = self.sa
        identification = message.first(IdentificationResponder)
        if identification is None:
            raise InvalidSyntaxError("IDr payload missing in the response")
        remote, constraints = identification.identity, sa.peer_config.remote[0]
        if payload is not None:
            require(sa, self._verify(payload, remote, constraints, initiator=False), constraints)
        elif self._client is None or not self._client.mutual:
            problem = f"'{remote}' wants EAP without proving itself, required is {constraints.auth}"
            raise AuthenticationFailedError(problem)
        sa.remote_id = remote
        sa.negotiation.initial_contact = message.notify(NotifyType.INITIAL_CONTACT) is not None

    # As responder

    def process_request(self, message: Message) -> Step:
        sa = self.sa
        if self._server is not None:
            self._server.process(message)
            return MORE
        handshake = sa.negotiation
        id_i, id_r = message.first(IdentificationInitiator), message.first(IdentificationResponder)
        if id_i is None:
            raise InvalidSyntaxError("IDi payload missing in the request")
        handshake.initial_contact = message.notify(NotifyType.INITIAL_CONTACT) is not None
        sa.remote_id = id_i.identity
        asked = id_r.identity if id_r else None
        payload = message.first(Authentication)
        candidates = self._candidates(asked, id_i.identity)
        if payload is None:
            self._server = begin(sa, candidates, message)
            sa.local_id = _own_identity(sa.peer_config.local[0].identity, asked)
        else:
            self._authenticate(payload, candidates, asked, id_i.identity)
        return MORE

    def build_response(self, draft: Draft) -> Step:
        sa, server = self.sa, self._server
        if server is not None and server.begun:
            draft.add(server.payload())
        else:
            self._present(draft, server)
        if server is not None and not server.done:
            return MORE
        self._check_unique()
        establish.establish(sa)
        sa.finish(self.ticket, True)
        self.ticket = 0
        return DONE

    def _present(self, draft: Draft, server: ServerRound | None) -> None:
        """Who we are, with our proof unless EAP is all there is."""
        sa = self.sa
        auth = sa.peer_config.local[0]
        own, sa.local_id = self._own(auth, sa.local_id)
        draft.add(IdentificationResponder(sa.local_id))
        self._add_certificates(draft, auth, own)
        if server is None or not server.mutual:
            draft.add(self._prove(own, sa.local_id, sa.remote_id, initiator=False))
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
        matches = [match_identities(config, local, remote) for config in sa.negotiation.candidates]
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
        payload: Authentication,
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
                facts = self._verify(payload, remote, config.remote[0], initiator=True)
            except PeerError as error:
                sa.log(Group.IKE, str(error))
                problem = problem or error
                continue
            failed = failures(comply(facts, config.remote[0]))
            if not failed:
                return
            for text in failed:
                sa.log(Group.CFG, f"constraint check failed: {text}")
            sa.log(Group.CFG, f"selected peer config '{config.name}' unacceptable: {failed[0]}")
            problem = problem or AuthenticationFailedError(f"constraint check failed: {failed[0]}")
        sa.log(Group.CFG, "no alternative config found")
        raise AuthenticationFailedError(str(problem))

    # Both

    def _own(self, auth: AuthConfig, identity: Identity | None) -> tuple[OwnKey | None, Identity]:
        """Our key, if we sign, and who we are: as configured, else by certificate, else our address."""
        sa = self.sa
        if identity is not None and identity.is_any:
            identity = None
        own = None
        if auth.auth not in (AuthClass.PSK, AuthClass.EAP):
            own = sa.ports.credentials.own_key(auth, identity, sa.negotiation.asked_authorities)
            if own is None and auth.auth is AuthClass.PUBKEY:
                raise NoPrivateKeyError(f"no private key found for '{identity or sa.local}'")
        if identity is None and own is not None and own.certificate is not None:
            identity = own.certificate.subject
        return own, identity or Identity.from_address(sa.local.address)

    def _add_certificates(self, draft: Draft, auth: AuthConfig, own: OwnKey | None) -> None:
        sa = self.sa
        if own is None or own.certificate is None or auth.send_cert is SendCert.NEVER:
            return
        if auth.send_cert is SendCert.IF_ASKED and not sa.negotiation.asked_for_certificate:
            return
        draft.add(*cert_payloads.payloads(sa, own.certificate, own.intermediates))

    def _prove(
        self, own: OwnKey | None, local: Identity, remote: Identity | None, *, initiator: bool
    ) -> Authentication:
        sa = self.sa
        octets = covered(sa, local, initiator=initiator)
        if own is not None:
            schemes = sa.peer_config.local[0].signature_schemes
            payload = pubkey.prove(sa, octets, local, own, schemes)
            sa.auth_name = "public key"
        else:
            payload = psk.prove(sa, octets, local, remote)
            sa.auth_name = "pre-shared key"
        return payload

    def _verify(
        self, payload: Authentication, remote: Identity, constraints: AuthConfig, *, initiator: bool
    ) -> Facts:
        """What the peer's AUTH proves; ``initiator``: the peer is the initiator."""
        sa = self.sa
        octets = covered(sa, remote, initiator=initiator)
        by_secret = payload.method == AuthenticationMethod.SHARED_KEY
        try:
            if by_secret:
                local = sa.local_id or Identity.from_address(sa.local.address)
                return psk.verify(sa, payload, octets, local, remote)
            return pubkey.verify(sa, payload, octets, remote, constraints.certificates)
        except PeerError:
            # A proof of a kind that was not wanted anyway: that is what the operator has to know.
            used = Facts(remote, AuthClass.PSK if by_secret else AuthClass.PUBKEY)
            unwanted = failures(comply(used, AuthConfig(constraints.auth)))
            if unwanted:
                raise AuthenticationFailedError(f"constraint check failed: {unwanted[0]}") from None
            raise


def _own_identity(configured: Identity | None, asked: Identity | None) -> Identity | None:
    """Who we are as responder: as configured, or, where that is open, who the peer wants."""
    if configured is None or configured.has_wildcards:
        return asked if asked is not None and not asked.is_any else None
    return configured
