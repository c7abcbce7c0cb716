"""Announcements of authentication methods, the data of SUPPORTED_AUTH_METHODS (RFC 9593, 3.2)."""

from collections.abc import Iterable

from cygnet.base.records import record
from cygnet.crypto.signatures import DIGITAL_SIGNATURE

MAX_ANNOUNCEMENTS = 64
_HEAD, _WITH_LINK = 2, 3


@record
class Announcement:
    """A method that is accepted; for method 14 ``algorithm`` is the AlgorithmIdentifier in DER (RFC 7427).

    ``authority`` is the place of the only CA that it is for among those of CERTREQ, from 1; 0 for all.
    """

    method: int
    authority: int = 0
    algorithm: bytes = b""


def build(announcements: Iterable[Announcement]) -> bytes:
    """As they travel; the length of each says of which of the three forms it is."""
    return b"".join(
        bytes((_WITH_LINK + len(one.algorithm), one.method, one.authority)) + one.algorithm
        for one in announcements
    )


def parse(data: bytes) -> tuple[Announcement, ...]:
    """Those that can be understood, in order. What follows a length that cannot be is left out."""
    found: list[Announcement] = []
    at = 0
    while at < len(data) and len(found) < MAX_ANNOUNCEMENTS:
        length = data[at]
        if not _HEAD <= length <= len(data) - at:
            break
        method, rest = data[at + 1], data[at + _HEAD : at + length]
        at += length
        if (method == DIGITAL_SIGNATURE) is (len(rest) > 1):  # it has an algorithm, the others have none
            found.append(Announcement(method, rest[0] if rest else 0, rest[1:]))
    return tuple(found)
