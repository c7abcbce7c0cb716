"""PKCS#11 modules and their tokens: finding certificates and keys, logging in."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from cygnet.base.secret import Secret
from cygnet.runtime.tokens.keys import Decrypt, Sign, TokenEcKey, TokenRsaKey
from cygnet.runtime.tokens.references import TokenError, TokenReference

MAX_OBJECTS = 100


@dataclass(frozen=True, slots=True)
class Module:
    """One row of ``plugins.pkcs11.modules``."""

    name: str
    path: str


class Section(Protocol):
    """Where rows are read from (``conf.settings.Settings``)."""

    def sections(self, path: str = "") -> tuple[str, ...]:
        """The names of the sections below ``path``."""

    def get(self, path: str, default: str = "") -> str:
        """A value as text."""


def modules_of(settings: Section, program: str) -> tuple[Module, ...]:
    """``PROGRAM.plugins.pkcs11.modules`` of ``strongswan.conf``, then those of ``libstrongswan``."""
    found: dict[str, Module] = {}
    for prefix in (f"{program}.plugins.pkcs11.modules", "libstrongswan.plugins.pkcs11.modules"):
        for name in settings.sections(prefix):
            path = settings.get(f"{prefix}.{name}.path")
            if path and name not in found:
                found[name] = Module(name, path)
    return tuple(found.values())


class Tokens:
    """All tokens of all modules. For all threads; sessions stay open until :meth:`close`."""

    def __init__(self, modules: Sequence[Module]) -> None:
        self._modules = tuple(modules)
        self._lock = threading.Lock()
        self._busy = threading.Lock()  # a PKCS#11 session has one operation at a time
        self._sessions: dict[tuple[str, int], Any] = {}

    def certificate(self, reference: TokenReference) -> bytes:
        """The certificate with this id in DER; raises :class:`TokenError`."""
        with self._lock:
            for _, token in self._tokens(reference):
                for value in self._certificate_values(token, reference.key_id):
                    return value
        raise TokenError(f"no certificate with id {reference.key_id.hex()} on {self._where(reference)}")

    def private_key(
        self, reference: TokenReference, pin: Callable[[str], Secret | None]
    ) -> TokenRsaKey | TokenEcKey:
        """The private key with this id; ``pin`` is asked with the token's name. Raises ``TokenError``."""
        pkcs11 = _library()
        with self._lock:
            for slot, token in self._tokens(reference):
                try:
                    session = self._session(slot, token, pin)
                    key = _first(session, pkcs11.ObjectClass.PRIVATE_KEY, reference.key_id)
                    if key is not None:
                        public = self._public(session, token, reference.key_id, key)
                        sign = _signer(pkcs11, key, self._busy)
                        if isinstance(public, ec.EllipticCurvePublicKey):
                            return TokenEcKey(public, sign)
                        decrypt = _decrypter(pkcs11, key, self._busy)
                        return TokenRsaKey(public, sign, decrypt, reference.key_id)
                except pkcs11.PKCS11Error as error:
                    self._sessions.pop(slot, None)
                    raise TokenError(f"token '{token.label}': {_text(error)}") from None
        raise TokenError(f"no private key with id {reference.key_id.hex()} on {self._where(reference)}")

    def close(self) -> None:
        """Log out of all tokens."""
        with self._lock:
            for session in self._sessions.values():
                session.close()
            self._sessions.clear()

    def _where(self, reference: TokenReference) -> str:
        if reference.slot is not None:
            return f"slot {reference.slot} of {reference.module or 'any module'}"
        names = ", ".join(module.name for module in self._modules)
        return f"any token of {names}" if names else "any token: no PKCS#11 module is configured"

    def _tokens(self, reference: TokenReference) -> Iterator[tuple[tuple[str, int], Any]]:
        """Those that a reference may mean; modules that cannot be loaded raise."""
        wanted = [one for one in self._modules if reference.module in ("", one.name)]
        if reference.module and not wanted:
            known = ", ".join(one.name for one in self._modules) or "none"
            raise TokenError(f"there is no PKCS#11 module '{reference.module}', configured are: {known}")
        for module in wanted:
            pkcs11 = _library()
            try:
                slots = pkcs11.lib(module.path).get_slots(token_present=True)
            except (pkcs11.PKCS11Error, RuntimeError, OSError) as error:
                raise TokenError(f"PKCS#11 module '{module.name}' ({module.path}): {_text(error)}") from None
            for slot in slots:
                try:
                    token = slot.get_token()
                except pkcs11.PKCS11Error:  # it has just been taken out
                    continue
                ready = token.flags & pkcs11.TokenFlag.TOKEN_INITIALIZED
                if ready and reference.slot in (None, slot.slot_id):
                    yield (module.path, slot.slot_id), token

    def _session(self, slot: tuple[str, int], token: Any, pin: Callable[[str], Secret | None]) -> Any:
        session = self._sessions.get(slot)
        if session is None:
            secret = pin(str(token.label))
            if secret is None:
                raise TokenError(f"no PIN for token '{token.label}'")
            pkcs11 = _library()
            try:
                session = token.open(user_pin=secret.reveal().decode("utf-8", "replace"))
            except pkcs11.PKCS11Error as error:
                raise TokenError(f"login to token '{token.label}' failed: {_text(error)}") from None
            self._sessions[slot] = session
        return session

    def _certificate_values(self, token: Any, key_id: bytes) -> list[bytes]:
        pkcs11 = _library()
        wanted = {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.CERTIFICATE, pkcs11.Attribute.ID: key_id}
        try:
            with token.open() as session:
                found = [bytes(one[pkcs11.Attribute.VALUE]) for one in session.get_objects(wanted)]
        except pkcs11.PKCS11Error:
            return []
        return found[:MAX_OBJECTS]

    def _public(
        self, session: Any, token: Any, key_id: bytes, private: Any
    ) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
        """The public half, of its own object, else of the private key (RSA), else of the certificate."""
        pkcs11 = _library()
        objects = (_first(session, pkcs11.ObjectClass.PUBLIC_KEY, key_id), private)
        for one in objects:
            public = _numbers(pkcs11, one) if one is not None else None
            if isinstance(public, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
                return public
        raise TokenError(f"token '{token.label}' has no public key for id {key_id.hex()}")


def _library() -> Any:
    try:
        return import_module("pkcs11")
    except ImportError:
        raise TokenError("tokens need the package python-pkcs11 (pip install 'cygnet[pkcs11]')") from None


def _text(error: Exception) -> str:
    return str(error)[:120] or type(error).__name__


def _first(session: Any, kind: Any, key_id: bytes) -> Any:
    pkcs11 = _library()
    wanted = {pkcs11.Attribute.CLASS: kind, pkcs11.Attribute.ID: key_id}
    return next(iter(session.get_objects(wanted)), None)


def _numbers(pkcs11: Any, key: Any) -> PublicKeyTypes | None:
    """A public key of the attributes that an object shows."""
    attribute = pkcs11.Attribute
    try:
        if key.key_type == pkcs11.KeyType.RSA:
            modulus = int.from_bytes(key[attribute.MODULUS], "big")
            exponent = int.from_bytes(key[attribute.PUBLIC_EXPONENT], "big")
            return rsa.RSAPublicNumbers(exponent, modulus).public_key()
        if key.key_type == pkcs11.KeyType.EC:
            info = import_module("pkcs11.util.ec").encode_ec_public_key(key)
            return serialization.load_der_public_key(info)
    except (pkcs11.PKCS11Error, ValueError, NotImplementedError):
        return None
    raise TokenError("only RSA and ECDSA keys on tokens are used")


def _signer(pkcs11: Any, key: Any, lock: threading.Lock) -> Sign:
    def sign(data: bytes, mechanism: str, parameter: Any) -> bytes:
        if parameter is not None:
            digest, salt = parameter
            parameter = (
                getattr(pkcs11.Mechanism, digest.upper().replace("SHA1", "SHA_1")),
                getattr(pkcs11.MGF, digest.upper()),
                salt,
            )
        try:
            chosen = getattr(pkcs11.Mechanism, mechanism)
            with lock:
                return bytes(key.sign(data, mechanism=chosen, mechanism_param=parameter))
        except pkcs11.PKCS11Error as error:
            raise ValueError(f"the token does not sign: {_text(error)}") from None

    return sign


def _decrypter(pkcs11: Any, key: Any, lock: threading.Lock) -> Decrypt:
    def decrypt(data: bytes) -> bytes:
        try:
            with lock:
                return bytes(key.decrypt(data, mechanism=pkcs11.Mechanism.RSA_PKCS))
        except (pkcs11.PKCS11Error, AttributeError) as error:  # keys that may not decrypt have no method
            raise TokenError(f"the token does not decrypt: {_text(error)}") from None

    return decrypt
