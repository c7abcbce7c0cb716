"""What peers in tests know: secrets, keys, certificates, connections, numbers."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cygnet.base.addresses import Host
from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.base.selectors import TrafficSelector
from cygnet.cert.attribute_certificates import AttributeCertificate, groups_of
from cygnet.cert.certificates import Certificate
from cygnet.cert.hash_url import HashAndUrl, announce
from cygnet.cert.ocsp import OcspResponse
from cygnet.cert.revocation import FetchError
from cygnet.cert.trust import Rules, Verdict, build_chain
from cygnet.charon.sa.ports import Candidate
from cygnet.eap.ports import UserSecret
from cygnet.keying.config.records import AuthConfig, ChildConfig, PeerConfig
from cygnet.keying.sa.credentials import Authority, Lookup, OwnKey, User
from cygnet.keying.sa.marks import NO_MARKS, Marks

TODAY = 1_800_000_000.0  # the date in simulations, POSIX seconds


@dataclass
class Store:
    """Credentials of one peer. ``secrets`` are tried for every pair of identities in their order."""

    secrets: list[tuple[Identity | None, Secret]] = field(default_factory=list)
    keys: list[OwnKey] = field(default_factory=list)
    anchors: list[Certificate] = field(default_factory=list)
    known: list[Certificate] = field(default_factory=list)
    today: float = TODAY
    rules: Rules = field(default_factory=Rules)
    groups: tuple[str, ...] = ()
    attributes: list[AttributeCertificate] = field(default_factory=list)
    attribute_authorities: list[Certificate] = field(default_factory=list)
    answer: OcspResponse | None = None
    responders: tuple[bytes, ...] = ()
    base: str = ""
    web: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    ppks: dict[bytes, Secret] = field(default_factory=dict)
    passwords: dict[str, UserSecret] = field(default_factory=dict)
    login: User | None = None

    def shared_secrets(self, local: Identity, remote: Identity | None) -> tuple[Secret, ...]:
        return tuple(
            secret for owner, secret in self.secrets if owner is None or remote is None or owner == remote
        )

    def user(self, connection: str) -> User | None:
        return self.login

    def eap_secret(self, user: Identity, server: Identity | None) -> UserSecret | None:
        return self.passwords.get(str(user))

    def ppk(self, identifier: bytes) -> Secret | None:
        return self.ppks.get(identifier)

    def has_ppk(self) -> bool:
        return bool(self.ppks)

    def own_key(
        self, auth: AuthConfig, identity: Identity | None, authorities: frozenset[bytes]
    ) -> OwnKey | None:
        if auth.public_keys:
            raw = (OwnKey(own.key) for own in self.keys if own.key.public_der in auth.public_keys)
            return next(raw, None)
        known = auth.certificates
        configured = [one for one in self.keys if one.certificate and one.certificate.der in known]
        for own in configured if known else self.keys:
            if identity is None or (own.certificate and own.certificate.matches(identity)):
                return own
        return None

    def authorities(self) -> tuple[Authority, ...]:
        return tuple(Authority(one.subject, one.key_id) for one in self.anchors)

    def certificates_of(self, identity: Identity) -> tuple[Certificate, ...]:
        return tuple(one for one in self.known if one.matches(identity))

    def verify(
        self,
        leaf: Certificate,
        intermediates: tuple[Certificate, ...],
        responses: Sequence[OcspResponse] = (),
        attributes: Sequence[AttributeCertificate] = (),
    ) -> Verdict:
        if responses:
            self.rules.sources.known_responses = tuple(responses)
        verdict = build_chain(leaf, intermediates, self.anchors, self.today, self.rules)
        groups = groups_of(leaf, attributes, self.attribute_authorities, self.today)
        return replace(verdict, groups=(*self.groups, *groups))

    def attributes_of(self, certificate: Certificate) -> tuple[AttributeCertificate, ...]:
        return tuple(self.attributes)

    def ocsp_answer(self, certificate: Certificate) -> OcspResponse | None:
        return self.answer

    def ocsp_signers(self) -> tuple[bytes, ...]:
        return self.responders

    def hash_and_url(self, certificate: Certificate) -> HashAndUrl | None:
        return announce(certificate, self.base) if self.base else None

    def lookup(self) -> Lookup:
        def fetch(place: HashAndUrl) -> tuple[Certificate, ...]:
            self.asked.append(place.url)
            if place.url not in self.web:
                raise FetchError("connection refused")
            return place.open(self.web[place.url])

        return fetch


@dataclass
class Connections:
    """Every connection suits every pair of hosts; identities choose among them."""

    configs: list[PeerConfig] = field(default_factory=list)

    def candidates(self, local: Host, remote: Host) -> tuple[Candidate, ...]:
        return tuple(Candidate(config, "it is there") for config in self.configs)

    def family(self, config: Any) -> tuple[Any, ...]:
        return (config, *(one for one in self.configs if one is not config and one.peer == config.peer))

    def instance(self, config: Any, remote: Host, identity: Identity) -> Any:
        return config

    def child(self, name: str) -> tuple[PeerConfig, ChildConfig] | None:
        return next(
            ((peer, child) for peer in self.configs for child in peer.children if child.name == name), None
        )


class Numbers:
    """Numbers for one peer; reqids are never reused."""

    def __init__(self) -> None:
        self._ike, self._child, self._reqid = itertools.count(1), itertools.count(1), itertools.count(1)
        self._ticket = itertools.count(10_000)
        self.users: dict[int, int] = {}
        self._reqids: dict[tuple[object, ...], int] = {}
        self._mark = itertools.count(1)

    def ike(self) -> int:
        return next(self._ike)

    def ticket(self) -> int:
        return next(self._ticket)

    def child(self) -> int:
        return next(self._child)

    def mark(self) -> int:
        return next(self._mark)

    def reqid(
        self, local: tuple[TrafficSelector, ...], remote: tuple[TrafficSelector, ...], marks: Marks = NO_MARKS
    ) -> int:
        number = self._reqids.setdefault((local, remote, marks), next(self._reqid))
        self.users[number] = self.users.get(number, 0) + 1
        return number

    def release_reqid(self, reqid: int) -> None:
        assert self.users[reqid] > 0, reqid
        self.users[reqid] -= 1
