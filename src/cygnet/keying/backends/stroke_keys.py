"""Private keys that ``ipsec.secrets`` names: key files, PKCS#12 containers and keys on tokens."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from cygnet.base.errors import LocalError
from cygnet.base.secret import Secret
from cygnet.cert import pkcs12
from cygnet.cert.certificates import Certificate
from cygnet.conf.secrets import SecretEntry, SecretKind
from cygnet.crypto.signatures import KeyLoadError, PrivateKey
from cygnet.keying.backends.files import read_octets, wide_permissions
from cygnet.keying.backends.reports import Report
from cygnet.runtime.tokens.references import TokenError, TokenReference, is_reference
from cygnet.runtime.tokens.tokens import Tokens

KEY_KINDS = (SecretKind.RSA, SecretKind.ECDSA, SecretKind.PKCS8, SecretKind.P12, SecretKind.PIN)
TRIES = 3
T = TypeVar("T")

Ask = Callable[[str], str]
"""Asks the operator, without echo; an empty answer is a refusal."""


@dataclass(slots=True)
class Keys:
    """What has been loaded. ``asked`` are keys whose passphrase an operator gave, by the entry's path."""

    private: dict[bytes, PrivateKey] = field(default_factory=dict)
    certificates: dict[Certificate, None] = field(default_factory=dict)
    asked: dict[str, tuple[PrivateKey, ...]] = field(default_factory=dict)


@dataclass(slots=True)
class KeyReader:
    """Reads entry by entry; what cannot be used is reported and left out.

    Without ``ask`` nobody can be asked for a passphrase; a key for which somebody was asked before
    (``before``) stays.
    """

    folder: Path
    tokens: Tokens
    report: Report
    ask: Ask | None = None
    before: dict[str, tuple[PrivateKey, ...]] = field(default_factory=dict)
    keys: Keys = field(default_factory=Keys)

    def read(self, entry: SecretEntry) -> None:
        """Load what one entry names."""
        text = entry.path or ""
        if entry.prompt and self.ask is None:
            self._kept(entry, text)
            return
        try:
            if entry.kind is SecretKind.PIN:
                found = self._from_token(entry, TokenReference.parse(text))
            elif is_reference(text):
                raise TokenError("a key on a token stands behind PIN")
            elif entry.kind is SecretKind.P12:
                found = self._from_container(entry, self.folder / text)
            else:
                found = self._from_file(entry, self.folder / text)
        except LocalError as error:
            what = "PKCS#12 container" if entry.kind is SecretKind.P12 else f"{entry.kind} private key"
            self.report.fail(f"  loading {what} from '{self._place(text)}' failed: {error}")
            return
        for key in found:
            self.report.say(f"  loaded {key.kind} private key from '{self._place(text)}'")
            self.keys.private[key.public_der] = key
        if entry.prompt:
            self.keys.asked[text] = tuple(found)

    def _place(self, text: str) -> str:
        return text if is_reference(text) else str(self.folder / text)

    def _kept(self, entry: SecretEntry, text: str) -> None:
        known = self.before.get(text, ())
        if not known:
            self.report.fail(
                f"{entry.file}:{entry.line}: the passphrase of '{self._place(text)}' has to be asked for: "
                "run `ipsec rereadsecrets`"
            )
            return
        self.keys.asked[text] = known
        self.keys.private |= {key.public_der: key for key in known}

    def _from_file(self, entry: SecretEntry, path: Path) -> list[PrivateKey]:
        self._check_permissions(path)
        octets = read_octets(path)
        question = f"Private key '{path}' is encrypted. Passphrase:"
        return [self._tried(entry, question, lambda secret: PrivateKey.load(octets, secret))]

    def _from_container(self, entry: SecretEntry, path: Path) -> list[PrivateKey]:
        self._check_permissions(path)
        octets = read_octets(path)
        question = f"PKCS#12 container '{path}' is encrypted. Passphrase:"
        container = self._tried(entry, question, lambda secret: pkcs12.load(octets, secret))
        for certificate in container.certificates:
            self.report.say(f"  loaded certificate {certificate} from '{path}'")
            self.keys.certificates[certificate] = None
        return [container.key] if container.key else []

    def _from_token(self, entry: SecretEntry, reference: TokenReference) -> list[PrivateKey]:
        def pin(token: str) -> Secret | None:
            if not entry.prompt:
                return entry.passphrase
            return self._answer(f"Login to token '{token}' required. PIN:")

        return [PrivateKey(self.tokens.private_key(reference, pin))]

    def _tried(self, entry: SecretEntry, question: str, load: Callable[[Secret | None], T]) -> T:
        """With the passphrase written down, or with as many as the operator has patience for."""
        if not entry.prompt:
            return load(entry.passphrase)
        for _ in range(TRIES):
            secret = self._answer(question)
            if secret is None:
                break
            try:
                return load(secret)
            except LocalError as error:
                question = f"{error}. Passphrase:"
        raise KeyLoadError("no passphrase that opens it was given")

    def _answer(self, question: str) -> Secret | None:
        answer = self.ask(question) if self.ask else ""
        return Secret(answer.encode("utf-8", "surrogateescape")) if answer else None

    def _check_permissions(self, path: Path) -> None:
        wide = wide_permissions(path)
        if wide:
            self.report.warn(f"private key '{path}' {wide}")
