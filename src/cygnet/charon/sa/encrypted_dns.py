"""Encrypted DNS resolvers in configuration payloads (RFC 9464, 3; parameters: RFC 9460, 2.2; RFC 9461, 5).

What a peer sent in a way that the RFCs do not allow is left out, with a sentence for the log.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from ipaddress import ip_address
from struct import Struct

from cygnet.base.errors import MalformedError
from cygnet.charon.encoding.payloads.configuration import Attribute, AttributeType, Configuration
from cygnet.keying.config.domain_names import Tell, domain_name, usable
from cygnet.keying.config.resolvers import (
    HASHES,
    MAX_ADDRESSES,
    MAX_DIGESTS,
    MAX_PATH,
    MAX_PROTOCOLS,
    MAX_RESOLVERS,
    Digest,
    EncryptedResolver,
)
from cygnet.wire.reader import Reader

TYPES = {4: AttributeType.ENCDNS_IP4, 6: AttributeType.ENCDNS_IP6}
ALL = frozenset({*TYPES.values(), AttributeType.ENCDNS_DIGEST_INFO})
_FAMILIES = {int(number): family for family, number in TYPES.items()}
_SIZES = {4: 4, 6: 16}
_HEAD, _DIGEST, _U16, _PARAMETER = Struct("!HBB"), Struct("!BB"), Struct("!H"), Struct("!HH")
_OCTETS = dict(HASHES.values())
MANDATORY, ALPN, NO_DEFAULT_ALPN, PORT, IPV4_HINT, IPV6_HINT, DOHPATH = 0, 1, 2, 3, 4, 6, 7
_KNOWN = frozenset({ALPN, NO_DEFAULT_ALPN, PORT, DOHPATH})
_TEMPLATE = "{?dns}"


def request(families: Iterable[int], *, digests: bool) -> tuple[Attribute, ...]:
    """Ask for resolvers of these families, and with ``digests`` for hashes of their keys."""
    kinds = [Attribute(TYPES[family]) for family in families]
    hashes = b"".join(_U16.pack(number) for number in _OCTETS)
    wanted = Attribute(AttributeType.ENCDNS_DIGEST_INFO, _DIGEST.pack(len(_OCTETS), 0) + hashes)
    return (*kinds, wanted) if kinds and digests else tuple(kinds)


def reply(message: Configuration, resolvers: tuple[EncryptedResolver, ...]) -> tuple[Attribute, ...]:
    """What a peer that asked so is told: of its families, with digests of hashes that it knows."""
    asked = {one.type for one in message.attributes}
    found: list[Attribute] = []
    told: dict[str, EncryptedResolver] = {}
    for resolver in resolvers:
        for family, kind in TYPES.items():
            addresses = tuple(one for one in resolver.addresses if one.version == family)
            if addresses and kind in asked:
                found.append(Attribute(kind, _build(replace(resolver, addresses=addresses))))
                told[resolver.name] = resolver
    hashes = _wanted_hashes(message)
    for resolver in resolvers:
        name = resolver.name if len(told) > 1 else ""
        found += (
            Attribute(AttributeType.ENCDNS_DIGEST_INFO, _build_digest(name, one))
            for one in resolver.digests
            if one.hash in hashes and resolver.name in told
        )
    return tuple(dict.fromkeys(found))


def given(message: Configuration, tell: Tell) -> tuple[EncryptedResolver, ...]:
    """The resolvers that a responder tells us of, the best first."""
    found: list[EncryptedResolver] = []
    digests: dict[str, tuple[Digest, ...]] = {}
    for one in dict.fromkeys(message.attributes):
        if one.type not in ALL:
            continue
        try:
            if one.type in _FAMILIES:
                found.append(_parse(one.value, _FAMILIES[one.type], tell))
            else:
                name, digest = _parse_digest(one.value)
                digests[name] = (*digests.get(name, ()), digest)
        except MalformedError as error:
            tell(f"ignoring {AttributeType(one.type).name}: {error}")
    best = sorted((one for one in found if one.addresses), key=lambda one: one.priority)
    return tuple(
        replace(one, digests=(digests.get(one.name) or digests.get("", ()))[:MAX_DIGESTS])
        for one in best[:MAX_RESOLVERS]
    )


def _build(resolver: EncryptedResolver) -> bytes:
    name = resolver.name.encode("ascii")
    head = _HEAD.pack(resolver.priority, len(resolver.addresses), len(name))
    alpn = b"".join(bytes([len(one)]) + one.encode("ascii") for one in resolver.alpn)
    values = {
        ALPN: alpn,
        PORT: _U16.pack(resolver.port) if resolver.port else b"",
        DOHPATH: resolver.path.encode(),
    }
    parameters = (_PARAMETER.pack(key, len(value)) + value for key, value in values.items() if value)
    return b"".join((head, *(one.packed for one in resolver.addresses), name, *parameters))


def _parse(data: bytes, family: int, tell: Tell) -> EncryptedResolver:
    reader = Reader(data, "encrypted DNS resolver")
    priority, count, length = reader.unpack(_HEAD)
    if not priority or not count:
        raise MalformedError(f"service priority {priority} with {count} addresses")
    addresses = [ip_address(reader.take(_SIZES[family])) for _ in range(count)]
    name = _name(reader.take(length))
    parameters = dict(_parameters(reader))
    path = parameters.get(DOHPATH, b"").decode("utf-8", "replace")
    if len(path) > MAX_PATH:
        raise MalformedError(f"dohpath of {len(path)} characters")
    if path and not (path.isprintable() and path.startswith("/") and _TEMPLATE in path):
        raise MalformedError("dohpath is no relative URI template with 'dns'")
    port = parameters.get(PORT)
    if port is not None and (len(port) != _U16.size or not any(port)):
        raise MalformedError("service parameter port is none")
    return EncryptedResolver(
        name,
        tuple(usable(dict.fromkeys(addresses), tell))[:MAX_ADDRESSES],
        tuple(_protocols(parameters.get(ALPN, b"")))[:MAX_PROTOCOLS],
        int.from_bytes(port or b"", "big"),
        path,
        priority,
    )


def _parameters(reader: Reader) -> Iterator[tuple[int, bytes]]:
    """Service parameters in their order (RFC 9460, 2.2); what is mandatory has to be known (8)."""
    last = -1
    while reader.left:
        key, size = reader.unpack(_PARAMETER)
        if key <= last:
            raise MalformedError("service parameters out of order")
        if key in (IPV4_HINT, IPV6_HINT):
            raise MalformedError("service parameters with address hints")
        last, value = key, reader.take(size)
        if key == MANDATORY:
            keys = {int.from_bytes(value[at : at + 2], "big") for at in range(0, len(value), 2)}
            if not value or len(value) % 2 or not keys <= _KNOWN:
                known = sorted(_KNOWN)
                raise MalformedError(f"mandatory service parameters {sorted(keys)}, known are {known}")
        yield key, value


def _protocols(value: bytes) -> Iterator[str]:
    reader = Reader(value, "service parameter alpn")
    while reader.left:
        name = reader.take(reader.take(1)[0]).decode("ascii", "replace")
        if not name or not name.isprintable() or not name.isascii() or " " in name or "+" in name:
            raise MalformedError("service parameter alpn with a name that is none")
        yield name


def _name(data: bytes) -> str:
    if not data:
        return ""
    name = domain_name(data)
    if name is None:
        raise MalformedError("authentication domain name that is none")
    return name


def _build_digest(name: str, digest: Digest) -> bytes:
    octets = name.encode("ascii")
    return _DIGEST.pack(1, len(octets)) + octets + _U16.pack(digest.hash) + digest.value


def _parse_digest(data: bytes) -> tuple[str, Digest]:
    reader = Reader(data, "certificate digest")
    count, length = reader.unpack(_DIGEST)
    if count != 1:
        raise MalformedError(f"{count} hash algorithms, one is to be")
    name = _name(reader.take(length))
    (number,) = reader.unpack(_U16)
    value = reader.take(reader.left)
    if number not in _OCTETS or len(value) != _OCTETS[number]:
        raise MalformedError(f"digest of {len(value)} octets by hash algorithm {number}")
    return name, Digest(number, value)


def _wanted_hashes(message: Configuration) -> frozenset[int]:
    """Those that the first request for digests names; none without one."""
    for value in message.values(AttributeType.ENCDNS_DIGEST_INFO)[:1]:
        numbers = value[_DIGEST.size :]
        found = (int.from_bytes(numbers[at : at + 2], "big") for at in range(0, len(numbers) - 1, 2))
        return frozenset(found)
    return frozenset()
