"""What the stroke backend reads from ``ipsec.secrets`` and ``ipsec.d``, each kind as one immutable whole."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cygnet.base.errors import LocalError
from cygnet.base.groups import Group
from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.cert.certificates import Certificate, load_certificates
from cygnet.charon.backends.files import files_in, read_octets, wide_permissions
from cygnet.charon.backends.shared_keys import SharedKey, SharedKeys
from cygnet.conf.problems import Reader, Severity
from cygnet.conf.secrets import SecretEntry, SecretKind, parse_secrets
from cygnet.crypto.signatures import PrivateKey

KEY_KINDS = (SecretKind.RSA, SecretKind.ECDSA, SecretKind.PKCS8)
UNREAD = {"acerts": "attribute certificates", "crls": "CRLs"}
"""Folders of ``ipsec.d`` that this version does not read."""

LogLine = Callable[[Group, int, str], None]
Ask = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Places:
    """Where the files are; relative names in ``ipsec.conf`` and ``ipsec.secrets`` start in these folders."""

    secrets: Path
    folder: Path

    @property
    def private(self) -> Path:
        """Private keys."""
        return self.folder / "private"

    @property
    def certs(self) -> Path:
        """End entity certificates."""
        return self.folder / "certs"

    @property
    def cacerts(self) -> Path:
        """CA certificates."""
        return self.folder / "cacerts"

    @classmethod
    def below(cls, confdir: Path, secrets_file: str = "") -> "Places":
        """strongSwan's layout below a configuration folder."""
        secrets = Path(secrets_file) if secrets_file else confdir / "ipsec.secrets"
        return cls(secrets, confdir / "ipsec.d")


@dataclass(frozen=True, slots=True)
class Secrets:
    """``ipsec.secrets`` with the private keys it names, those by their public key."""

    shared: SharedKeys = field(default_factory=SharedKeys)
    private: dict[bytes, PrivateKey] = field(default_factory=dict)


@dataclass(slots=True)
class Report:
    """Collects what is wrong for the operator, and logs as it goes.

    ``complete`` ends when something that was to be loaded was not. ``ask`` is for passphrases.
    """

    log: LogLine
    ask: Ask | None = None
    problems: list[str] = field(default_factory=list)
    complete: bool = True

    def say(self, text: str) -> None:
        """Something went as it should."""
        self.log(Group.CFG, 1, text)

    def warn(self, text: str) -> None:
        """Something is wrong; the rest goes on."""
        self.problems.append(text)
        self.log(Group.CFG, 1, text)

    def fail(self, text: str) -> None:
        """Something cannot be used; the rest goes on."""
        self.complete = False
        self.warn(text)


def read_secrets(places: Places, reader: Reader, report: Report) -> Secrets | None:
    """Everything of ``ipsec.secrets`` that can be used; ``None`` if the file is there but unreadable."""
    report.say(f"loading secrets from '{places.secrets}'")
    _check_permissions(places.secrets, "secrets file", report)
    entries, problems = parse_secrets(str(places.secrets), reader)
    for problem in problems:
        say = report.fail if problem.severity is Severity.ERROR else report.warn
        say(str(problem))
    if not entries and places.secrets.exists() and any(p.severity is Severity.ERROR for p in problems):
        return None
    shared = [_shared_key(entry, report) for entry in entries if entry.kind is SecretKind.PSK]
    private: dict[bytes, PrivateKey] = {}
    for entry in entries:
        if entry.kind in KEY_KINDS:
            for key in _private_key(entry, places.private, report):
                private[key.public_der] = key
        elif entry.kind is not SecretKind.PSK:
            report.warn(f"{entry.file}:{entry.line}: {entry.kind} secrets are not part of this version")
    return Secrets(SharedKeys.of(shared), private)


def read_authorities(folder: Path, report: Report) -> tuple[Certificate, ...]:
    """The CA certificates of a folder."""
    report.say(f"loading ca certificates from '{folder}'")
    return tuple(dict.fromkeys(
        certificate for path in files_in(folder) for certificate in read_authority(path, report)
    ))  # fmt: skip


def read_authority(path: Path, report: Report) -> list[Certificate]:
    """The CA certificates of one file; others in it are refused."""
    found = []
    for certificate in read_certificates(path, report):
        if certificate.is_ca:
            report.say(f"  loaded ca certificate {certificate} from '{path}'")
            found.append(certificate)
        else:
            report.fail(f"  ca certificate {certificate} lacks ca basic constraint, discarded ('{path}')")
    return found


def read_folder(folder: Path, report: Report) -> tuple[Certificate, ...]:
    """The end entity certificates of a folder; what is none of ours to judge is passed over in silence."""
    found: dict[Certificate, None] = {}
    for path in files_in(folder):
        for certificate in read_certificates(path, report)[:1]:
            found[certificate] = None
    return tuple(found)


def report_unread(folder: Path, kind: str, report: Report) -> None:
    """Tell of files that somebody may think are in use."""
    found = files_in(folder)
    if found:
        count = f"{len(found)} file{'s' if len(found) > 1 else ''}"
        report.warn(f"{count} in '{folder}' not read: {UNREAD[kind]} are not part of this version")


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


def _private_key(entry: SecretEntry, folder: Path, report: Report) -> list[PrivateKey]:
    path = folder / (entry.path or "")
    _check_permissions(path, "private key", report)
    passphrase = entry.passphrase
    if entry.prompt:
        answer = report.ask(f"Passphrase for {entry.kind} private key '{path}':") if report.ask else ""
        if not answer:
            report.fail(f"{entry.file}:{entry.line}: '{path}' wants a passphrase: ipsec rereadsecrets asks")
            return []
        passphrase = Secret(answer.encode())
    try:
        key = PrivateKey.load(read_octets(path), passphrase)
    except LocalError as error:
        report.fail(f"  loading {entry.kind} private key from '{path}' failed: {error}")
        return []
    report.say(f"  loaded {key.kind} private key from '{path}'")
    return [key]


def _check_permissions(path: Path, what: str, report: Report) -> None:
    wide = wide_permissions(path)
    if wide:
        report.warn(f"{what} '{path}' {wide}")
