"""One end of a connection: addresses and authentication, with strongSwan's defaults."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from cygnet.base.identities import ANY, NULL, Identity
from cygnet.cert.certificates import Certificate
from cygnet.crypto.signatures import PublicKey
from cygnet.ctl.stroke import End
from cygnet.keying.backends import address_match
from cygnet.keying.backends.constraints import parse_auth
from cygnet.keying.backends.errors import ConfigError
from cygnet.keying.config.records import AddressSpec, AuthClass, AuthConfig, SendCert

CertificateLoader = Callable[[str], Sequence[Certificate]]
KeyLoader = Callable[[str, Identity], PublicKey]
"""Loads a raw key for whom it speaks for."""
SEND_CERT = {"always": SendCert.ALWAYS, "yes": SendCert.ALWAYS, "ifasked": SendCert.IF_ASKED,
             "never": SendCert.NEVER, "no": SendCert.NEVER}  # fmt: skip
SECOND = ("id2", "cert2", "ca2", "groups2")
"""What belongs to a second round, and so needs ``auth2``."""
PROOFS = ("cert", "ca", "sigkey", "groups", "cert_policy")
"""What asks a peer for more than NULL authentication gives."""


def no_raw_keys(text: str, identity: Identity) -> PublicKey:
    """For a daemon that has none."""
    raise ConfigError("raw public keys ('sigkey') are not part of this version")


@dataclass(frozen=True, slots=True)
class _Round:
    """The words of one end about one round."""

    auth: str
    identity: str = ""
    cert: str = ""
    ca: str = ""
    groups: str = ""
    cert_policy: str = ""
    sigkey: str = ""


@dataclass(slots=True)
class AuthReader:
    """Reads ends of one connection; ``warnings`` collects what is odd but usable."""

    load: CertificateLoader
    authby: str = ""
    warnings: list[str] = field(default_factory=list)
    eap_identity: str = ""
    aaa_identity: str = ""
    load_key: KeyLoader = no_raw_keys

    def local(self, end: End, other: End) -> tuple[AuthConfig, ...]:
        """Our own authentication rounds. Without an identity it is that of the address used."""
        unknown = NULL if end.auth == "null" else None
        first = self._first(end, other, unknown)
        return first, *self._second(end, other, first.identity, None)

    def remote(self, end: End, other: End) -> tuple[AuthConfig, ...]:
        """What we ask of the peer; without an identity anybody whom the secret or CA admits."""
        if end.auth == "null":
            return (self._nobody(end),)
        return self._first(end, other, ANY), *self._second(end, other, None, ANY)

    def _nobody(self, end: End) -> AuthConfig:
        """``rightauth=null``: whoever comes. Nothing that it says of itself is looked at (RFC 7619, 2.2)."""
        asked = [name for name in (*PROOFS, "auth2", *SECOND) if getattr(end, name) not in ("", "%cert")]
        if asked:
            raise ConfigError(f"'{asked[0]}' asks for a proof, 'auth=null' accepts a peer without any")
        if end.id and Identity.parse(end.id) not in (ANY, NULL):
            self.warnings.append(f"id '{end.id}' is not looked at, since 'auth=null' asks for no proof of it")
        return AuthConfig(AuthClass.NULL, ANY)

    def _first(self, end: End, other: End, unknown: Identity | None) -> AuthConfig:
        sigkey = "" if end.sigkey == "%cert" else end.sigkey
        words = _Round(end.auth, end.id, end.cert, _authority(end.ca, other.ca), end.groups,
                       end.cert_policy, sigkey)  # fmt: skip
        before = None if unknown is NULL else _of_address(end)
        return self._read(words, end, other.cert, before, unknown)

    def _second(
        self, end: End, other: End, before: Identity | None, unknown: Identity | None
    ) -> tuple[AuthConfig, ...]:
        """``leftauth2`` and its kin (RFC 4739); without ``leftid2`` we are who we were ``before``."""
        if not end.auth2:
            lonely = [name for name in SECOND if getattr(end, name)]
            if lonely:
                raise ConfigError(f"'{lonely[0]}' belongs to a second round, which needs 'auth2'")
            return ()
        words = _Round(end.auth2, end.id2, end.cert2, _authority(end.ca2, other.ca2), end.groups2)
        if parse_auth(end.auth2, "").auth not in (AuthClass.PUBKEY, AuthClass.PSK, AuthClass.EAP):
            raise ConfigError(f"'{end.auth2}' cannot be a second authentication round")
        return (self._read(words, end, other.cert2, before, unknown),)

    def _read(
        self, words: _Round, end: End, others: str, before: Identity | None, unknown: Identity | None
    ) -> AuthConfig:
        """One round. Without an identity of its own it has that of ``before``, if its certificate carries it.

        ``others`` are the certificates of the other end, for ``%same``.
        """
        wanted = parse_auth(words.auth, self.authby)
        shows = wanted.auth in (AuthClass.EAP, AuthClass.PUBKEY)
        certificates = self._certificates(words.cert) if shows else ()
        identity = self._identity(words, certificates, before, unknown)
        auth = AuthConfig(
            auth=wanted.auth,
            identity=identity,
            certificates=tuple(certificate.der for certificate in certificates),
            public_keys=self._raw_keys(words.sigkey, identity, wanted.auth),
            authorities=self._authorities(words.ca, others),
            send_cert=_send_cert(end.sendcert),
            signature_schemes=wanted.schemes,
            min_key_bits=wanted.min_key_bits,
            policies=tuple(_listed(words.cert_policy)),
            groups=tuple(_listed(words.groups)),
            eap_methods=wanted.eap_methods,
        )
        return self._by_eap(auth)

    def _by_eap(self, auth: AuthConfig) -> AuthConfig:
        if auth.auth is not AuthClass.EAP:
            return auth
        user, server = _user(self.eap_identity), _user(self.aaa_identity)
        return replace(auth, eap_identity=user, aaa_identity=server)

    def _certificates(self, paths: str) -> tuple[Certificate, ...]:
        return tuple(found for path in _listed(paths) for found in self.load(path)[:1])

    def _raw_keys(self, text: str, identity: Identity | None, auth: AuthClass) -> tuple[bytes, ...]:
        """``leftsigkey``. A raw key names nobody, so that the connection has to."""
        if not text or auth not in (AuthClass.PUBKEY, AuthClass.ANY):
            return ()
        if identity is None or identity.has_wildcards:
            raise ConfigError("'sigkey' needs 'id', or one address: a raw public key names nobody by itself")
        return (self.load_key(text, identity).spki,)

    def _identity(
        self,
        words: _Round,
        certificates: tuple[Certificate, ...],
        before: Identity | None,
        unknown: Identity | None,
    ) -> Identity | None:
        """As written, or else as ``before``, unless the certificate does not carry it; then its subject."""
        subject = certificates[0].subject if certificates else None
        if not words.identity:
            if not certificates:
                return before or unknown
            return before if before and any(one.matches(before) for one in certificates) else subject
        identity = Identity.parse(words.identity[1:] if _optional(words.identity) else words.identity)
        if subject and not identity.is_any and not any(one.matches(identity) for one in certificates):
            self.warnings.append(
                f"id '{identity}' not confirmed by certificate, defaulting to '{subject}'"
            )
            return subject
        return (subject or unknown or before) if identity.is_any else identity

    def _authorities(self, ca: str, others: str) -> tuple[Identity, ...]:
        if not ca:
            return ()
        if ca != "%same":
            return (Identity.parse(ca),)
        for path in _listed(others):
            for certificate in self.load(path)[:1]:
                return (certificate.issuer,)
        raise ConfigError("ca '%same' needs a certificate or ca at the other end")


def check_together(local: tuple[AuthConfig, ...], remote: tuple[AuthConfig, ...]) -> None:
    """Raises :class:`ConfigError` for NULL authentication beside another round or EAP (RFC 7619, 2)."""
    sides = {one.auth for one in local}, {one.auth for one in remote}
    for own, others in (sides, sides[::-1]):
        if AuthClass.NULL in own and len(own) > 1:
            raise ConfigError("'auth=null' and 'auth2' at one end: NULL authentication proves nothing alone")
        if AuthClass.NULL in own and AuthClass.EAP in others:
            raise ConfigError("'auth=null' here and EAP there do not go together (RFC 7619, 2)")


def address_spec(end: End) -> AddressSpec:
    """``left`` with its port; ``%any`` alone is no host at all."""
    hosts = tuple(host.strip() for host in end.address.split(",") if host.strip())
    allow_any = end.allow_any or any(_is_name(host, "%") for host in hosts)
    plain = tuple(host[1:] if _is_name(host, "%") else host for host in hosts)
    if all(host == "%any" for host in plain):
        plain = ()
    return AddressSpec(plain, end.ikeport, allow_any and bool(plain))


def _of_address(end: End) -> Identity | None:
    """The identity of a single literal address or name."""
    hosts = address_spec(end).hosts
    return Identity.parse(hosts[0]) if len(hosts) == 1 and address_match.is_single(hosts[0]) else None


def _authority(own: str, others: str) -> str:
    """``leftca``: with ``%same`` as the other end has it; ``%same`` remains where that says nothing else."""
    return others if own == "%same" and others else own


def _user(text: str) -> Identity | None:
    """``eap_identity``, where ``%identity`` and ``%any`` both ask the peer."""
    if not text:
        return None
    return ANY if text == "%identity" else Identity.parse(text)


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _optional(text: str) -> bool:
    """``%ID``: not sent as IDr; here read as the ID itself."""
    return text.startswith("%") and not text.startswith(("%any", "%null"))


def _is_name(host: str, prefix: str) -> bool:
    return host.startswith(prefix) and not host.startswith("%any")


def _send_cert(text: str) -> SendCert:
    if text not in SEND_CERT:
        raise ConfigError(f"sendcert '{text}' is none of {', '.join(SEND_CERT)}")
    return SEND_CERT[text]
