"""What the stroke backend reads from ``ipsec.secrets`` and ``ipsec.d``, each kind as one immutable whole."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from cygnet.base.errors import LocalError
from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.cert.attribute_certificates import AttributeCertificate
from cygnet.cert.certificates import Certificate, load_certificates
from cygnet.cert.crl import MAX_OCTETS as MAX_CRL_OCTETS
from cygnet.cert.crl import Crl
from cygnet.cert.errors import MalformedCertificateError, MalformedRevocationError
from cygnet.conf.problems import Reader, Severity
from cygnet.conf.secrets import SecretEntry, SecretKind, parse_secrets
from cygnet.crypto.signatures import PrivateKey
from cygnet.keying.backends import eap_secrets, ppk_secrets
from cygnet.keying.backends.eap_secrets import EapSecrets
from cygnet.keying.backends.files import files_in, read_octets, wide_permissions
from cygnet.keying.backends.ppk_secrets import PpkSecrets
from cygnet.keying.backends.reports import Report
from cygnet.keying.backends.shared_keys import SharedKey, SharedKeys
from cygnet.keying.backends.stroke_keys import KEY_KINDS, KeyReader

SKIPPED = (SecretKind.BLISS,)


@dataclass(frozen=True, slots=True)
class Places:
    """Where the files are; relative names in ``ipsec.conf`` and ``ipsec.secrets`` start in these folders."""

    secrets: Path
    private: Path
    certs: Path
    cacerts: Path
    aacerts: Path
    ocspcerts: Path
    acerts: Path
    crls: Path

    @classmethod
    def below(cls, confdir: Path, secrets_file: str = "") -> "Places":
        """strongSwan's layout below a configuration folder."""
        folder = confdir / "ipsec.d"
        names = ("private", "certs", "cacerts", "aacerts", "ocspcerts", "acerts", "crls")
        secrets = Path(secrets_file) if secrets_file else confdir / "ipsec.secrets"
        return cls(secrets, *(folder / name for name in names))


@dataclass(frozen=True, slots=True)
class Secrets:
    """``ipsec.secrets`` with the private keys it names, those by their public key.

    ``certificates`` came with the keys in PKCS#12 containers.
    """

    shared: SharedKeys = field(default_factory=SharedKeys)
    private: dict[bytes, PrivateKey] = field(default_factory=dict)
    certificates: tuple[Certificate, ...] = ()
    asked: dict[str, tuple[PrivateKey, ...]] = field(default_factory=dict)
    users: EapSecrets = field(default_factory=EapSecrets)
    ppks: PpkSecrets = field(default_factory=PpkSecrets)


def read_secrets(places: Places, reader: Reader, keys: KeyReader) -> Secrets | None:
    """Everything of ``ipsec.secrets`` that can be used; ``None`` if the file is there but unreadable."""
    report = keys.report
    report.say(f"loading secrets from '{places.secrets}'")
    wide = wide_permissions(places.secrets)
    if wide:
        report.warn(f"secrets file '{places.secrets}' {wide}")
    entries, problems = parse_secrets(str(places.secrets), reader)
    for problem in problems:
        say = report.fail if problem.severity is Severity.ERROR else report.warn
        say(str(problem))
    if not entries and places.secrets.exists() and any(p.severity is Severity.ERROR for p in problems):
        return None
    shared = [_shared_key(entry, report) for entry in entries if entry.kind is SecretKind.PSK]
    for entry in entries:
        if entry.kind in KEY_KINDS:
            keys.read(entry)
        elif entry.kind in SKIPPED:
            report.warn(f"{entry.file}:{entry.line}: {entry.kind} secrets are not part of this version")
    found = keys.keys
    users = eap_secrets.read(entries, report)
    ppks = ppk_secrets.read(entries, report)
    certificates = tuple(found.certificates)
    return Secrets(SharedKeys.of(shared), found.private, certificates, found.asked, users, ppks)


def read_authorities(folder: Path, report: Report) -> tuple[Certificate, ...]:
    """The CA certificates of a folder."""
    report.say(f"loading ca certificates from '{folder}'")
    return tuple(dict.fromkeys(
        certificate for path in files_in(folder) for certificate in read_authority(path, report)
    ))  # fmt: skip


def read_authority(path: Path, report: Report) -> list[Certificate]:
    """The CA certificates of one file; others in it are refused."""
    return authorities_among(read_certificates(path, report), str(path), report)


def authorities_among(certificates: Iterable[Certificate], place: str, report: Report) -> list[Certificate]:
    """Those that are certificates of a CA; the others are told."""
    found = []
    for certificate in certificates:
        if certificate.is_ca:
            report.say(f"  loaded ca certificate {certificate} from '{place}'")
            found.append(certificate)
        else:
            report.fail(f"  ca certificate {certificate} lacks ca basic constraint, discarded ('{place}')")
    return found


def read_folder(folder: Path, report: Report) -> tuple[Certificate, ...]:
    """The end entity certificates of a folder; what is none of ours to judge is passed over in silence."""
    found: dict[Certificate, None] = {}
    for path in files_in(folder):
        for certificate in read_certificates(path, report)[:1]:
            found[certificate] = None
    return tuple(found)


def read_signers(folder: Path, kind: str, report: Report) -> tuple[Certificate, ...]:
    """Attribute authorities (``aa``) or OCSP signers (``ocsp signer``): trusted as they are."""
    report.say(f"loading {kind} certificates from '{folder}'")
    found: dict[Certificate, None] = {}
    for path in files_in(folder):
        for certificate in read_certificates(path, report):
            report.say(f"  loaded {kind} certificate {certificate} from '{path}'")
            found[certificate] = None
    return tuple(found)


def read_attributes(folder: Path, report: Report) -> tuple[AttributeCertificate, ...]:
    """The attribute certificates of a folder."""
    report.say(f"loading attribute certificates from '{folder}'")
    found: dict[AttributeCertificate, None] = {}
    for path in files_in(folder):
        try:
            found[AttributeCertificate.parse(read_octets(path))] = None
        except (LocalError, MalformedCertificateError) as error:
            report.fail(f"  loading attribute certificate from '{path}' failed: {error}")
            continue
        report.say(f"  loaded attribute certificate from '{path}'")
    return tuple(found)


def read_crls(folder: Path, report: Report) -> tuple[Crl, ...]:
    """The CRLs of a folder; whether they are genuine is found out where they are used."""
    report.say(f"loading crls from '{folder}'")
    found: dict[Crl, None] = {}
    for path in files_in(folder):
        try:
            crl = Crl.parse(read_octets(path, MAX_CRL_OCTETS))
            if crl.unreadable:
                raise MalformedRevocationError(crl.unreadable)
        except (LocalError, MalformedRevocationError) as error:
            report.fail(f"  loading crl from '{path}' failed: {error}")
            continue
        found[crl] = None
        report.say(f"  loaded crl from '{path}'")
    return tuple(found)


def read_certificates(path: Path, report: Report) -> tuple[Certificate, ...]:
    """The certificates of one file, none (and a warning) if it cannot be used."""
    try:
        return load_certificates(read_octets(path))
    except LocalError as error:
        report.fail(f"  loading certificate from '{path}' failed: {error}")
        return ()


def _shared_key(entry: SecretEntry, report: Report) -> SharedKey:
    report.say(f"  loaded IKE secret for {' '.join(entry.selectors) or '%any'}")
    selectors = tuple(Identity.parse(selector) for selector in entry.selectors)
    return SharedKey(selectors, entry.secret or Secret(b""))
