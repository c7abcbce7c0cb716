"""IKE_AUTH: both sides prove who they are (RFC 7296, 1.2, 2.15, 2.16)."""

from typing import ClassVar

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
    IdentificationInitiator,
    IdentificationResponder,
)
from cygnet.charon.sa import establish
from cygnet.charon.sa.authenticators import psk, pubkey
from cygnet.charon.sa.authorisation import Facts, comply, failures
from cygnet.charon.sa.errors import NoPrivateKeyError, RefusedError
from cygnet.charon.sa.keymat import signed_octets
from cygnet.charon.sa.ports import OwnKey
from cygnet.charon.sa.tasks import cert_payloads
from cygnet.charon.sa.tasks.refusals import identity_refused
from cygnet.charon.sa.tasks.task import DONE, MORE, Draft, Step, Task


class IkeAuth(Task):
    """One round of authentication on each side, then the IKE_SA is established."""

    name = "IKE_AUTH"
    opens: ClassVar[Exchange | None] = Exchange.IKE_AUTH
    vital = True

    # As initiator

    def build_request(self, draft: Draft) -> Step:
        sa = self.sa
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
        draft.add(self._prove(own, sa.local_id, expected, initiator=True))
        return MORE

    def _is_first(self, remote: Identity) -> bool:
        """Whether to say INITIAL_CONTACT (RFC 7296, 2.4): never in one that is to take another's place."""
        sa = self.sa
        if sa.local_id is None or sa.succeeds or sa.peer_config.unique in (Unique.NO, Unique.NEVER):
            return False
        return sa.ports.contacts.is_first(sa.unique_id, sa.local_id, remote)

    def process_response(self, message: Message) -> Step:
        sa = self.sa
        payload = message.first(Authentication)
        if payload is None:
            errors = [one.type for one in message.notifies if one.is_error]
            if not errors:
                raise RefusedError("AUTH payload missing in the response")
            identity_refused(sa, errors[0])
            raise RefusedError(f"received {notifies.name(errors[0])} notify error")
        identification = message.first(IdentificationResponder)
        if identification is None:
            raise InvalidSyntaxError("IDr payload missing in the response")
        remote = identification.identity
        config = sa.peer_config
        facts = self._verify(payload, remote, config.remote[0], initiator=False)
        failed = failures(comply(facts, config.remote[0]))
        for text in failed:
            sa.log(Group.CFG, f"constraint check failed: {text}")
        if failed:
            sa.log(Group.CFG, "selected peer config unacceptable")
            raise AuthenticationFailedError(f"constraint check failed: {failed[0]}")
        sa.remote_id = remote
        sa.negotiation.initial_contact = message.notify(NotifyType.INITIAL_CONTACT) is not None
        establish.establish(sa)
        sa.finish(self.ticket, True)
        self.ticket = 0
        return DONE

    # As responder

    def process_request(self, message: Message) -> Step:
        sa = self.sa
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
            raise AuthenticationFailedError("peer requested EAP, no connection accepts that")
        self._authenticate(payload, candidates, asked, id_i.identity)
        return MORE

    def build_response(self, draft: Draft) -> Step:
        sa = self.sa
        auth = sa.peer_config.local[0]
        own, sa.local_id = self._own(auth, sa.local_id)
        draft.add(IdentificationResponder(sa.local_id))
        self._add_certificates(draft, auth, own)
        draft.add(self._prove(own, sa.local_id, sa.remote_id, initiator=False))
        self._check_unique(sa.local_id)
        establish.establish(sa)
        sa.finish(self.ticket, True)
        self.ticket = 0
        return DONE

    def _check_unique(self, local: Identity) -> None:
        """``uniqueids=keep``: who is there already stays, the newcomer is refused."""
        sa = self.sa
        if sa.remote_id is None or sa.negotiation.initial_contact:
            return
        reason = sa.ports.contacts.refusal(sa.peer_config, (local, sa.remote_id), sa.remote)
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
        if auth.auth is not AuthClass.PSK:
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
        octets = self._octets(local, initiator)
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
        octets = self._octets(remote, initiator)
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

    def _octets(self, identity: Identity, initiator: bool) -> bytes:
        """What the side that was the initiator (or responder) signs (RFC 7296, 2.15; RFC 9242, 3.3.2)."""
        sa = self.sa
        handshake, keys = sa.negotiation, sa.established_keys
        if handshake.nonces is None:
            raise RuntimeError("no nonces")
        body = IdentificationInitiator(identity).build()
        if initiator:
            message, nonce, key = handshake.request, handshake.nonces.responder, keys.sk_pi
        else:
            message, nonce, key = handshake.response, handshake.nonces.initiator, keys.sk_pr
        return signed_octets(keys.prf, key, message, nonce, body) + handshake.int_auth.octets


def _own_identity(configured: Identity | None, asked: Identity | None) -> Identity | None:
    """Who we are as responder: as configured, or, where that is open, who the peer wants."""
    if configured is None or configured.has_wildcards:
        return asked if asked is not None and not asked.is_any else None
    return configured
