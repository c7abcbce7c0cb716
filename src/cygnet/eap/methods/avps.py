"""Attribute-value pairs inside EAP-TTLS (RFC 5281, 10; numbers of RFC 2865 and RFC 2548)."""

from collections.abc import Iterable
from dataclasses import dataclass
from struct import Struct

from cygnet.base.errors import MalformedError
from cygnet.wire.reader import Reader

MAX_AVPS = 64
MICROSOFT = 311

_HEADER = Struct("!II")
_VENDOR = Struct("!I")
_HAS_VENDOR, _MANDATORY = 0x80000000, 0x40000000
_SIZE = 0x00FFFFFF


@dataclass(frozen=True, slots=True)
class AvpKey:
    """Which attribute."""

    code: int
    vendor: int = 0


USER_NAME = AvpKey(1)
USER_PASSWORD = AvpKey(2)
REPLY_MESSAGE = AvpKey(18)
EAP_MESSAGE = AvpKey(79)
MS_CHAP_ERROR = AvpKey(2, MICROSOFT)
MS_CHAP_CHALLENGE = AvpKey(11, MICROSOFT)
MS_CHAP2_RESPONSE = AvpKey(25, MICROSOFT)
MS_CHAP2_SUCCESS = AvpKey(26, MICROSOFT)

KNOWN = frozenset(
    (
        USER_NAME,
        USER_PASSWORD,
        REPLY_MESSAGE,
        EAP_MESSAGE,
        MS_CHAP_ERROR,
        MS_CHAP_CHALLENGE,
        MS_CHAP2_RESPONSE,
        MS_CHAP2_SUCCESS,
    )
)

Avps = dict[AvpKey, bytes]


def parse_avps(octets: bytes) -> Avps:
    """The attributes we know, the first of each kind; a mandatory one not known is an error (10.1)."""
    reader = Reader(octets, "EAP-TTLS AVP")
    found: Avps = {}
    for _ in range(MAX_AVPS):
        if not reader.left:
            return found
        key, mandatory, data = _parse_one(reader)
        if key in KNOWN:
            found.setdefault(key, data)
        elif mandatory:
            raise MalformedError(f"EAP-TTLS: mandatory AVP {key.code} of vendor {key.vendor} is not known")
    raise MalformedError(f"EAP-TTLS: more than {MAX_AVPS} AVPs")


def _parse_one(reader: Reader) -> tuple[AvpKey, bool, bytes]:
    code, flags = reader.unpack(_HEADER)
    size = (flags & _SIZE) - _HEADER.size
    vendor = 0
    if flags & _HAS_VENDOR:
        (vendor,) = reader.unpack(_VENDOR)
        size -= _VENDOR.size
    if size < 0:
        raise MalformedError("EAP-TTLS AVP: its length is less than that of its header")
    data = reader.take(size)
    reader.take(min(-size % 4, reader.left))
    return AvpKey(code, vendor), bool(flags & _MANDATORY), data


def build_avps(pairs: Iterable[tuple[AvpKey, bytes]]) -> bytes:
    """The attributes, all mandatory, each padded to four octets."""
    return b"".join(_build_one(key, data) for key, data in pairs)


def _build_one(key: AvpKey, data: bytes) -> bytes:
    vendor = _VENDOR.pack(key.vendor) if key.vendor else b""
    flags = _MANDATORY | (_HAS_VENDOR if vendor else 0)
    size = _HEADER.size + len(vendor) + len(data)
    return _HEADER.pack(key.code, flags | size) + vendor + data + bytes(-size % 4)
