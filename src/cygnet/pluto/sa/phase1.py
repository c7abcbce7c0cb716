"""The steps that main mode and aggressive mode are made of (RFC 2409, 5.1 to 5.4)."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from cygnet.base.errors import LocalError
from cygnet.base.groups import Group
from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.crypto.errors import InvalidKeError
from cygnet.crypto.key_exchange import ke_method
from cygnet.crypto.proposals import Proposal, Protocol, select
from cygnet.crypto.tables import TransformType
from cygnet.pluto.config.records import PSK_METHODS, XAUTH_METHODS, PeerConfig
from cygnet.pluto.encoding import phase1_offers, vendor_ids
from cygnet.pluto.encoding.errors import (
    AuthenticationFailedError,
    BadProposalSyntaxError,
    InvalidKeyInformationError,
    InvalidPayloadTypeError,
    NoProposalChosenError,
)
from cygnet.pluto.encoding.identities import identity_of, payload_of_identity
from cygnet.pluto.encoding.message import Message
from cygnet.pluto.encoding.methods import Proof
from cygnet.pluto.encoding.notify import NotifyType
from cygnet.pluto.encoding.payloads import (
    CertificateEncoding,
    CertificateRequest,
    Identification,
    KeyExchange,
    Nonce,
    Notification,
    Payload,
    SecurityAssociation,
    VendorId,
)
from cygnet.pluto.encoding.phase1_offers import Phase1Terms
from cygnet.pluto.encoding.vendor_ids import Feature, VendorIdRow
from cygnet.pluto.sa import authentication, nat_traversal
from cygnet.pluto.sa.association import Association
from cygnet.pluto.sa.errors import NoPrivateKeyError, NotPossibleError
from cygnet.pluto.sa.keymat import (
    Nonces,
    Phase1Keys,
    derive_keys,
    prf_of,
    skeyid_of_secret,
    skeyid_of_signatures,
)
from cygnet.pluto.sa.phase1_methods import methods_of, own_key
from cygnet.pluto.sa.transport import publics

NONCE_SIZE = 32
MAX_CANDIDATES = 64
MAX_SECRETS = 16
"""Pre-shared keys that a responder in main mode tries, which does not know yet who the peer is."""

P = TypeVar("P", bound=Payload)


def needed(message: Message, kind: type[P]) -> P:
    """The payload that the table demands; raises :class:`InvalidPayloadTypeError` without it."""
    found = message.first(kind)
    if found is None:
        raise InvalidPayloadTypeError(f"payload {kind.notation} missing")
    return found


# SA payloads


def offer(sa: Association, *, one_group: bool = False) -> SecurityAssociation:
    """What we propose as initiator; raises ``LocalError``."""
    config, shake = sa.peer_config, sa.negotiation
    shake.own = own_key(sa, config, frozenset())
    rows = methods_of(config, True, shake.own)
    proposals = acceptable(config)
    try:
        payload = phase1_offers.offer(proposals, rows, int(config.ike_lifetime_s), one_group=one_group)
    except ValueError as error:
        raise NotPossibleError(str(error)) from None
    sa.nat.forced = config.ike.force_encaps or sa.ports.kernel.features.udp_encapsulation_only
    shake.offered, shake.sa_body = payload, payload.build()
    return payload


def choose(sa: Association, message: Message, *, aggressive: bool) -> SecurityAssociation:
    """The answer to a peer's proposals, and the connections that may be meant; raises ``PeerError``."""
    shake, payload = sa.negotiation, needed(message, SecurityAssociation)
    shake.sa_body = message.body_of(SecurityAssociation)
    terms, reasons = phase1_offers.read(payload)
    found: dict[str, None] = dict.fromkeys(reasons)
    candidates = sa.ports.configs.candidates(sa.local, sa.remote)[:MAX_CANDIDATES]
    configs = [one.config for one in candidates if one.config.aggressive is aggressive]
    if not configs:
        mode = "aggressive" if aggressive else "main"
        raise NoProposalChosenError(f"no connection for {sa.local}...{sa.remote} in {mode} mode")
    chosen: Phase1Terms | None = None
    for config in configs:
        term = _select(sa, config, terms if chosen is None else (chosen,), found)
        if term is not None:
            chosen = chosen or term
            shake.candidates += (config,)
    if chosen is None:
        raise NoProposalChosenError("no proposal chosen: " + "; ".join(found))
    _take(sa, chosen)
    sa.config = shake.candidates[0]
    sa.nat.forced = sa.config.ike.force_encaps or sa.ports.kernel.features.udp_encapsulation_only
    return chosen.answer()


def accept(sa: Association, message: Message) -> None:
    """The responder's choice must be one of our offers (RFC 2409, 5); raises ``PeerError``.

    The RFC wants it unchanged. Deployed peers write numbers in another form, and their own lifetime.
    """
    shake, payload = sa.negotiation, needed(message, SecurityAssociation)
    terms, reasons = phase1_offers.read(payload)
    offered = shake.offered.proposals[0].transforms if shake.offered else ()
    if len(payload.proposals) != 1 or len(payload.proposals[0].transforms) != 1 or not terms:
        raise BadProposalSyntaxError(f"not exactly one transform chosen {'; '.join(reasons)}".strip())
    answer = payload.proposals[0].transforms[0]
    wanted = phase1_offers.algorithms_of(answer)
    if not any(phase1_offers.algorithms_of(one) == wanted for one in offered):
        raise BadProposalSyntaxError("the peer chose what we did not offer")
    _take(sa, terms[0])


def acceptable(config: PeerConfig) -> tuple[Proposal, ...]:
    """Our proposals without those that combine encryption and integrity: phase 1 of IKEv1 has none."""
    return tuple(one for one in config.ike.proposals if one.of_type(TransformType.INTEG))


def _select(
    sa: Association, config: PeerConfig, terms: Iterable[Phase1Terms], reasons: dict[str, None]
) -> Phase1Terms | None:
    try:
        own = own_key(sa, config, frozenset())
        rows = methods_of(config, False, own)
    except LocalError as error:
        reasons.setdefault(f"{config.name}: {error}")
        return None
    fitting = [one for one in terms if one.method in rows]
    if not fitting:
        reasons.setdefault(f"{config.name}: peer does not offer {' or '.join(row.name for row in rows)}")
        return None
    prefer = sa.ports.settings.prefer_configured_proposals
    selection = select([one.proposal for one in fitting], acceptable(config), prefer_ours=prefer)
    reasons.update(dict.fromkeys(f"{config.name}: {one}" for one in selection.reasons))
    number = selection.proposal.number if selection.proposal else 0
    return next((one for one in fitting if one.proposal.number == number), None)


def _take(sa: Association, term: Phase1Terms) -> None:
    sa.proposal, sa.method, sa.lifetime_s = term.proposal, term.method, term.lifetime_s
    sa.log(Group.CFG, f"selected proposal: {replace(term.proposal, protocol=Protocol.IKE)}")


# Vendor IDs


def vendors(sa: Association) -> tuple[Payload, ...]:
    """Who we are and what we can do; a responder names only the NAT-T version that it chose."""
    config, settings = sa.config, sa.ports.settings
    rows: list[VendorIdRow] = []
    if config is None or config.method in XAUTH_METHODS:
        rows.append(vendor_ids.XAUTH)
    rows.append(vendor_ids.DPD)
    if settings.cisco_unity:
        rows.append(vendor_ids.UNITY)
    if config is None or config.ike.fragmentation:
        rows.append(vendor_ids.FRAGMENTATION)
    natt = (vendor_ids.NATT_RFC, vendor_ids.NATT_03, vendor_ids.NATT_02, vendor_ids.NATT_02_N)
    rows += [row for row in natt if sa.initiator or row.feature is sa.nat.version]
    return tuple(VendorId(row.sent) for row in rows)


def read_vendors(sa: Association, message: Message) -> None:
    """Learn what the peer can do."""
    found: set[Feature] = set()
    for payload in message.all(VendorId):
        row = vendor_ids.recognise(payload.data)
        name = f"{row.name} vendor ID" if row else f"unknown vendor ID: {payload.data[:32].hex(':')}"
        sa.log(Group.ENC if row is None else Group.IKE, f"received {name}")
        if row is not None and row.feature is not None:
            found.add(row.feature)
    sa.features |= found
    nat_traversal.agree(sa)


# Key exchange


def exchange(sa: Association) -> tuple[Payload, ...]:
    """KE and Nonce of ours."""
    shake = sa.negotiation
    chosen = sa.proposal.chosen(TransformType.KE) if sa.proposal else None
    group = chosen.number if chosen else _first_group(sa)
    prepared, pair = shake.prepared or (0, None)
    shake.key_pair = pair if pair and prepared == group else ke_method(group).generate(sa.ports.rng)
    shake.own_nonce = sa.ports.rng(NONCE_SIZE)
    return KeyExchange(shake.key_pair.public), Nonce(shake.own_nonce)


def read_exchange(sa: Association, message: Message) -> None:
    """The peer's public value and nonce; raises ``PeerError``."""
    shake = sa.negotiation
    shake.peer_public = needed(message, KeyExchange).data
    shake.peer_nonce = needed(message, Nonce).data


def share(sa: Association) -> None:
    """g^xy; raises :class:`InvalidKeyInformationError`."""
    shake = sa.negotiation
    if shake.key_pair is None:
        raise RuntimeError("no key pair yet")
    try:
        shake.shared = shake.key_pair.shared(shake.peer_public)
    except InvalidKeError as error:
        raise InvalidKeyInformationError(str(error)) from None


def keys_with(sa: Association, secret: Secret | None) -> Phase1Keys:
    """The keys that follow from a pre-shared key, or (``None``) from the nonces alone."""
    shake, proposal = sa.negotiation, sa.agreed_proposal
    pair = (shake.own_nonce, shake.peer_nonce)
    nonces = Nonces(*(pair if sa.initiator else pair[::-1]))
    if shake.shared is None:
        raise RuntimeError("g^xy is not known yet")
    function = prf_of(proposal)
    if secret is None:
        skeyid = skeyid_of_signatures(function, shake.shared, nonces)
    else:
        skeyid = skeyid_of_secret(function, secret, nonces)
    return derive_keys(proposal, skeyid, shake.shared, sa.cookies)


def use_keys(sa: Association, keys: Phase1Keys) -> None:
    """Messages are encrypted with these keys from now on, as a key log is told where there is one."""
    if sa.keys is keys:
        return
    sa.keys = keys
    if sa.ports.key_log is not None:
        sa.ports.key_log.ikev1(sa.cookie_i, keys.encryption)


def find_secrets(sa: Association) -> None:
    """The pre-shared keys that may be meant; raises ``LocalError`` if there is none.

    In main mode the identity of the peer is encrypted by a key that depends on the secret: so they are looked
    up by what connections expect of a peer at that address, then by the address itself (RFC 2409, 5.4).
    """
    shake = sa.negotiation
    configs = shake.candidates or (sa.peer_config,)
    found: dict[bytes, Secret] = {}
    for config in (one for one in configs if one.method in PSK_METHODS):
        local = local_identity(sa, config)
        for remote in _possible_peers(sa, config):
            for secret in sa.ports.credentials.shared_secrets(local, remote):
                found.setdefault(secret.reveal(), secret)
    shake.secrets = tuple(found.values())[:MAX_SECRETS]
    if not shake.secrets:
        raise NoPrivateKeyError(f"no shared key found for '{sa.local_id or sa.local}' - '{sa.remote}'")


def _possible_peers(sa: Association, config: PeerConfig) -> tuple[Identity | None, ...]:
    if sa.negotiation.peer_identity is not None:
        return (sa.negotiation.peer_identity,)
    expected, address = config.remote.identity, Identity.from_address(sa.remote.address)
    if expected is not None and not expected.has_wildcards:
        return (expected,)
    return (address,) if sa.initiator else (address, None)


def _first_group(sa: Association) -> int:
    """The one group that aggressive mode can use is that of the first transform."""
    terms, _ = phase1_offers.read(sa.negotiation.offered) if sa.negotiation.offered else ((), ())
    chosen = terms[0].proposal.chosen(TransformType.KE) if terms else None
    if chosen is None:
        raise NotPossibleError("no group to begin with")
    return chosen.number


# Identities


def local_identity(sa: Association, config: PeerConfig) -> Identity:
    """Who we say we are: ``leftid``, else the certificate's subject, else our address."""
    identity = config.local.identity
    if identity is not None and not identity.is_any:
        return identity
    own = sa.negotiation.own
    if own is not None and own.certificate is not None:
        return own.certificate.subject
    return Identity.from_address(sa.local.address)


def identify(sa: Association) -> Identification:
    """Our ID payload."""
    config, shake = sa.peer_config, sa.negotiation
    if shake.own is None:
        shake.own = own_key(sa, config, shake.asked_authorities)
    sa.local_id = local_identity(sa, config)
    payload = payload_of_identity(sa.local_id)
    shake.own_id = payload.build()
    return payload


def read_identity(sa: Association, message: Message) -> Identity:
    """Who the peer says it is; a responder's connections without that identity are out."""
    shake = sa.negotiation
    shake.peer_id = message.body_of(Identification)
    shake.peer_identity = identity = identity_of(needed(message, Identification))
    if sa.initiator:
        return identity
    fitting = tuple(one for one in shake.candidates if _expects(one, identity))
    if not fitting:
        names = ", ".join(one.name for one in shake.candidates)
        raise AuthenticationFailedError(f"no connection for peer '{identity}' (looked at: {names})")
    shake.candidates, sa.config = fitting, fitting[0]
    return identity


def authenticate(sa: Association, message: Message, identity: Identity) -> None:
    """Check the peer's proof and what the connection demands; raises ``PeerError``."""
    authentication.keep_certificates(sa, message)
    proved = authentication.verify(sa, message, identity)
    candidates = sa.negotiation.candidates or (sa.peer_config,)
    sa.config = authentication.authorise(sa, proved, candidates)
    sa.remote_id = identity


def _expects(config: PeerConfig, identity: Identity) -> bool:
    wanted = config.remote.identity
    return wanted is None or bool(identity.match(wanted))


# Certificate requests, INITIAL-CONTACT


def requests(sa: Association) -> tuple[Payload, ...]:
    """Ask for certificates below our CAs if the peer is to sign (RFC 2408, 3.10)."""
    if not sa.peer_config.ike.send_certreq or not _peer_signs(sa):
        return ()
    names = [one.name.data for one in sa.ports.credentials.authorities()]
    return tuple(CertificateRequest(CertificateEncoding.X509_SIGNATURE, one) for one in names or [b""])


def _peer_signs(sa: Association) -> bool:
    """Whether the peer authenticates by a signature, or may do so in an aggressive mode that we begin."""
    if sa.method is None:
        return sa.peer_config.method not in PSK_METHODS
    return sa.method.proof(not sa.initiator) is Proof.SIGNATURE


def read_requests(sa: Association, message: Message) -> None:
    """What the peer asked for; CAs are named there, and known here by their key ids."""
    shake, asked = sa.negotiation, message.all(CertificateRequest)
    if not asked:
        return
    shake.asked_for_certificate = True
    names = {one.authority for one in asked}
    known = (one for one in sa.ports.credentials.authorities() if one.name.data in names)
    shake.asked_authorities |= {one.key_id for one in known}


def initial_contact(sa: Association) -> tuple[Payload, ...]:
    """INITIAL-CONTACT, if we know of no other SA with the peer (RFC 2407, 4.6.3.3)."""
    if not sa.first_contact or sa.replaces:
        return ()
    return (Notification(NotifyType.INITIAL_CONTACT, b"", Protocol.IKE, sa.cookies),)


def read_initial_contact(sa: Association, message: Message) -> None:
    """Remember that the peer knows no other SA."""
    if message.notify(NotifyType.INITIAL_CONTACT) is not None:
        sa.negotiation.initial_contact = True


def check_public(sa: Association) -> None:
    """Both must have different public values: a mirror proves nothing."""
    both = publics(sa)
    if both.initiator == both.responder:
        raise InvalidKeyInformationError("the peer sent our own public value back")


