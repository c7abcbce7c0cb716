"""``--scencrypt``, ``--scdecrypt``: RSA by a key that ``ipsec.secrets`` has on a token (PKCS #1 v1.5)."""

import base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import padding

from cygnet.base.errors import LocalError
from cygnet.crypto.keys import PrivateKey
from cygnet.ctl.whack import SmartCard
from cygnet.ctl.whack_codes import Rc
from cygnet.pluto.control.replies import Reply
from cygnet.runtime.tokens.keys import TokenRsaKey
from cygnet.runtime.tokens.references import TokenReference

Base = tuple[Callable[[str], bytes], Callable[[bytes], str]]
_HEX: Base = (lambda text: bytes.fromhex(text.removeprefix("0x")), bytes.hex)
_BASE64: Base = (
    lambda text: base64.b64decode(text.removeprefix("0s"), validate=True),
    lambda octets: base64.b64encode(octets).decode(),
)
_TEXT: Base = (str.encode, lambda octets: octets.decode("utf-8", "backslashreplace"))
BASES: dict[str, Base] = {
    "hex": _HEX, "16": _HEX, "base64": _BASE64, "64": _BASE64, "ascii": _TEXT, "text": _TEXT, "256": _TEXT,
}  # fmt: skip
"""How values are written, by the words of ``--inbase`` and ``--outbase``."""


@dataclass(frozen=True, slots=True)
class SmartCardHandler:
    """Answers ``SmartCard``; ``keys`` are our private keys. Raises ``LocalError``."""

    keys: Callable[[], Iterable[PrivateKey]]

    def __call__(self, request: SmartCard, reply: Reply) -> None:
        """The first key on a token, or that of ``--keyid %smartcard:ID``."""
        read, _ = _base(request.in_base)
        try:
            octets = read(request.value)
        except ValueError:
            raise LocalError(f"the value is not written as --inbase {request.in_base} says") from None
        key = self._key(request.key_id)
        try:
            if request.decrypt:
                done = key.decrypt(octets, padding.PKCS1v15())
            else:
                done = key.public_key().encrypt(octets, padding.PKCS1v15())
        except ValueError as error:
            raise LocalError(f"the key cannot do that with {len(octets)} octets: {error}") from None
        _, write = _base(request.out_base)
        reply.line(Rc.COMMENT, write(done))

    def _key(self, wanted: str) -> TokenRsaKey:
        key_id = TokenReference.parse(wanted).key_id if wanted else b""
        natives = (key.native for key in self.keys())
        for one in natives:
            if isinstance(one, TokenRsaKey) and key_id in (b"", one.key_id):
                return one
        which = f"'{wanted}'" if wanted else "on a token"
        raise LocalError(f"ipsec.secrets has no RSA key {which} (: PIN %smartcard:ID \"PIN\")")


def _base(word: str) -> Base:
    if word not in BASES:
        raise LocalError(f"base {word} is none of {', '.join(BASES)}")
    return BASES[word]
