"""One end of a connection: addresses and authentication, with strongSwan's defaults."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from cygnet.base.identities import ANY, Identity
from cygnet.cert.certificates import Certificate
from cygnet.ctl.stroke import End
from cygnet.keying.backends import address_match
from cygnet.keying.backends.constraints import parse_auth
from cygnet.keying.backends.errors import ConfigError
from cygnet.keying.config.records import AddressSpec, AuthClass, AuthConfig, SendCert

CertificateLoader = Callable[[str], Sequence[Certificate]]
SEND_CERT = {"always": SendCert.ALWAYS, "yes": SendCert.ALWAYS, "ifasked": SendCert.IF_ASKED,
             "never": SendCert.NEVER, "no": SendCert.NEVER}  # fmt: skip
LATER = {
    "cert2": "certificates in a second authentication round", "sigkey": "raw public keys",
    "groups2": "group membership in a second authentication round",
    "ca2": "certificates in a second authentication round",
}  # fmt: skip


@dataclass(slots=True)
class AuthReader:
    """Reads ends of one connection; ``warnings`` collects what is odd but usable."""

    load: CertificateLoader
    authby: str = ""
    warnings: list[str] = field(default_factory=list)
    eap_identity: str = ""
    aaa_identity: str = ""

    def local(self, end: End, other: End) -> tuple[AuthConfig, ...]:
        """Our own authentication rounds. Without an identity it is that of the address used."""
        return self._read(end, other, None), *self._second(end, None)

    def remote(self, end: End, other: End) -> tuple[AuthConfig, ...]:
        """What we ask of the peer; without an identity anybody whom the secret or CA admits."""
        return self._read(end, other, ANY), *self._second(end, ANY)

    def _second(self, end: End, unknown: Identity | None) -> tuple[AuthConfig, ...]:
        """``leftauth2``, ``leftid2``: by EAP or a pre-shared key (RFC 4739)."""
        if not end.auth2:
            if end.id2:
                raise ConfigError("'id2' without 'auth2'")
            return ()
        wanted = parse_auth(end.auth2, "")
        if wanted.auth not in (AuthClass.EAP, AuthClass.PSK):
            raise ConfigError(f"'{end.auth2}' in a second authentication round is not part of this version")
        identity = Identity.parse(end.id2) if end.id2 else unknown
        return (self._by_eap(AuthConfig(wanted.auth, identity, eap_methods=wanted.eap_methods)),)

    def _by_eap(self, auth: AuthConfig) -> AuthConfig:
        if auth.auth is not AuthClass.EAP:
            return auth
        user, server = _user(self.eap_identity), _user(self.aaa_identity)
        return replace(auth, eap_identity=user, aaa_identity=server)

    def _read(self, end: End, other: End, unknown: Identity | None) -> AuthConfig:
        refuse_later(end)
        wanted = parse_auth(end.auth, self.authby)
        shows = wanted.auth in (AuthClass.EAP, AuthClass.PUBKEY)
        certificates = self._certificates(end) if shows else ()
        auth = AuthConfig(
            auth=wanted.auth,
            identity=self._identity(end, certificates, unknown) or _of_address(end) or unknown,
            certificates=tuple(certificate.der for certificate in certificates),
            authorities=self._authorities(end, other),
            send_cert=_send_cert(end.sendcert),
            signature_schemes=wanted.schemes,
            min_key_bits=wanted.min_key_bits,
            policies=tuple(_listed(end.cert_policy)),
            groups=tuple(_listed(end.groups)),
            eap_methods=wanted.eap_methods,
        )
        return self._by_eap(auth)

    def _certificates(self, end: End) -> tuple[Certificate, ...]:
        return tuple(found for path in _listed(end.cert) for found in self.load(path)[:1])

    def _identity(
        self, end: End, certificates: tuple[Certificate, ...], unknown: Identity | None
    ) -> Identity | None:
        """``leftid`` or else the address, unless the certificate does not carry it; then its subject."""
        subject = certificates[0].subject if certificates else None
        if not end.id:
            address = _of_address(end)
            return address if address and any(one.matches(address) for one in certificates) else subject
        identity = Identity.parse(end.id[1:] if _optional(end.id) else end.id)
        if subject and not identity.is_any and not any(one.matches(identity) for one in certificates):
            self.warnings.append(
                f"id '{identity}' not confirmed by certificate, defaulting to '{subject}'"
            )
            return subject
        return (subject or unknown) if identity.is_any else identity

    def _authorities(self, end: End, other: End) -> tuple[Identity, ...]:
        if not end.ca:
            return ()
        if end.ca != "%same":
            return (Identity.parse(end.ca),)
        if other.ca and other.ca != "%same":
            return (Identity.parse(other.ca),)
        for path in _listed(other.cert):
            for certificate in self.load(path)[:1]:
                return (certificate.issuer,)
        raise ConfigError("ca '%same' needs a certificate or ca at the other end")


def address_spec(end: End) -> AddressSpec:
    """``left`` with its port; ``%any`` alone is no host at all."""
    hosts = tuple(host.strip() for host in end.address.split(",") if host.strip())
    allow_any = end.allow_any or any(_is_name(host, "%") for host in hosts)
    plain = tuple(host[1:] if _is_name(host, "%") else host for host in hosts)
    if all(host == "%any" for host in plain):
        plain = ()
    return AddressSpec(plain, end.ikeport, allow_any and bool(plain))


def refuse_later(end: End) -> None:
    """Raise :class:`ConfigError` for what would change the meaning and is not part of this version."""
    for name, what in LATER.items():
        if getattr(end, name):
            raise ConfigError(f"{what} ('{name}') are not part of this version")


def _of_address(end: End) -> Identity | None:
    """The identity of a single literal address or name."""
    hosts = address_spec(end).hosts
    return Identity.parse(hosts[0]) if len(hosts) == 1 and address_match.is_single(hosts[0]) else None


def _user(text: str) -> Identity | None:
    """``eap_identity``, where ``%identity`` and ``%any`` both ask the peer."""
    if not text:
        return None
    return ANY if text == "%identity" else Identity.parse(text)


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _optional(text: str) -> bool:
    """``%ID``: not sent as IDr; here read as the ID itself."""
    return text.startswith("%") and not text.startswith("%any")


def _is_name(host: str, prefix: str) -> bool:
    return host.startswith(prefix) and not host.startswith("%any")


def _send_cert(text: str) -> SendCert:
    if text not in SEND_CERT:
        raise ConfigError(f"sendcert '{text}' is none of {', '.join(SEND_CERT)}")
    return SEND_CERT[text]
