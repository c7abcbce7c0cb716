"""``%smartcard[SLOT[@MODULE]]:KEYID``, as ``ipsec.conf`` and ``ipsec.secrets`` write it."""

import re
from dataclasses import dataclass

from cygnet.base.errors import LocalError

_FORM = re.compile(r"%smartcard(?P<slot>\d+)?(?:@(?P<module>[^:]+))?:(?P<keyid>.*)")


class TokenError(LocalError):
    """Something on a token cannot be used; the text says what and why."""


@dataclass(frozen=True, slots=True)
class TokenReference:
    """An object on a token by its CKA_ID; without slot and module all of them are searched."""

    key_id: bytes
    slot: int | None = None
    module: str = ""

    @classmethod
    def parse(cls, text: str) -> "TokenReference":
        """Raises :class:`TokenError`."""
        found = _FORM.fullmatch(text)
        if found is None:
            raise TokenError(f"'{text}' is not written %smartcard[SLOT[@MODULE]]:KEYID")
        try:
            key_id = bytes.fromhex(found["keyid"].replace(":", ""))
        except ValueError:
            raise TokenError(f"'{text}': the key id is not hexadecimal") from None
        if not key_id:
            raise TokenError(f"'{text}': the key id is missing")
        return cls(key_id, int(found["slot"]) if found["slot"] else None, found["module"] or "")


def is_reference(text: str) -> bool:
    """Whether a file name is none but names an object on a token."""
    return text.startswith("%smartcard")
