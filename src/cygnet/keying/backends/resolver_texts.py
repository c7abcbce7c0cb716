"""What ``rightencdns`` says: encrypted DNS resolvers that peers are told of (RFC 9464).

``NAME ADDRESS … [alpn=dot+doq] [port=N] [dohpath=/…{?dns}] [digest=sha256:…] [priority=N]``, with commas
between several resolvers.
"""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

from cygnet.keying.backends import pool_texts
from cygnet.keying.backends.errors import ConfigError
from cygnet.keying.config.domain_names import domain_name
from cygnet.keying.config.resolvers import (
    HASHES,
    MAX_ADDRESSES,
    MAX_DIGESTS,
    MAX_RESOLVERS,
    Digest,
    EncryptedResolver,
)

MAX_WORD = 255


def resolvers(text: str, keyword: str) -> tuple[EncryptedResolver, ...]:
    """All of a list, the best first as written; raises :class:`ConfigError`."""
    found = pool_texts.words(text, keyword)
    if len(found) > MAX_RESOLVERS:
        raise ConfigError(f"{keyword} names {len(found)} resolvers, more than {MAX_RESOLVERS}")
    try:
        return tuple(_resolver(one, place) for place, one in enumerate(found, 1))
    except ValueError as error:
        raise ConfigError(f"{keyword}={text}: {error}") from None


def _resolver(text: str, place: int) -> EncryptedResolver:
    name, *words = text.split()
    if domain_name(name.encode("utf-8", "surrogateescape")) is None or _is_address(name):
        raise ValueError(f"'{name}' is no domain name; write NAME ADDRESS ... as in 'dns.example 10.0.0.53'")
    plain = [word for word in words if "=" not in word]
    addresses = tuple(dict.fromkeys(map(ip_address, plain)))
    if not 0 < len(addresses) <= MAX_ADDRESSES:
        raise ValueError(f"'{name}' has {len(addresses)} addresses; 1 to {MAX_ADDRESSES} are possible")
    resolver = EncryptedResolver(name.rstrip(".").lower(), addresses, priority=place)
    for word in words:
        key, sign, value = word.partition("=")
        if sign:
            resolver = replace(resolver, **_parameter(resolver, key, value))
    if not resolver.path and {"h2", "h3"} & set(resolver.alpn):
        raise ValueError(f"'{name}' speaks DNS over HTTPS, which needs a dohpath= like /dns-query{{?dns}}")
    return resolver


def _parameter(resolver: EncryptedResolver, key: str, value: str) -> dict[str, Any]:
    read = _PARAMETERS.get(key)
    if read is None:
        raise ValueError(f"'{key}' is none of {', '.join(_PARAMETERS)}")
    if not value or len(value) > MAX_WORD:
        raise ValueError(f"{key}= needs a value of at most {MAX_WORD} characters")
    return read(resolver, value)


def _alpn(resolver: EncryptedResolver, value: str) -> dict[str, Any]:
    names = tuple(value.split("+"))
    if not all(one.isascii() and one.isprintable() and one for one in names):
        raise ValueError(f"alpn={value} is not like dot or h2+h3")
    return {"alpn": names}


def _path(resolver: EncryptedResolver, value: str) -> dict[str, Any]:
    if not value.startswith("/") or "{?dns}" not in value:
        raise ValueError(f"dohpath={value} is not like /dns-query{{?dns}}")
    return {"path": value}


def _number(field: str) -> Callable[[EncryptedResolver, str], dict[str, Any]]:
    def read(resolver: EncryptedResolver, value: str) -> dict[str, Any]:
        if not (value.isascii() and value.isdigit() and 0 < int(value) < 1 << 16):
            raise ValueError(f"{field}={value} is not a number from 1 to 65535")
        return {field: int(value)}

    return read


def _digest(resolver: EncryptedResolver, value: str) -> dict[str, Any]:
    name, _, text = value.partition(":")
    if name not in HASHES:
        raise ValueError(f"digest={value}: '{name}' is none of {', '.join(HASHES)}")
    number, size = HASHES[name]
    octets = _octets(text)
    if len(octets) != size:
        raise ValueError(f"digest={value}: {name} has {size} octets, in base64 or hexadecimal")
    if len(resolver.digests) == MAX_DIGESTS:
        raise ValueError(f"more than {MAX_DIGESTS} digests")
    return {"digests": (*resolver.digests, Digest(number, octets))}


def _octets(text: str) -> bytes:
    for read in (bytes.fromhex, lambda one: b64decode(one, validate=True)):
        try:
            return read(text)
        except (ValueError, Base64Error):
            continue
    return b""


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


_PARAMETERS: dict[str, Callable[[EncryptedResolver, str], dict[str, Any]]] = {
    "alpn": _alpn,
    "port": _number("port"),
    "dohpath": _path,
    "digest": _digest,
    "priority": _number("priority"),
}
