"""The kinds of values in ``ipsec.conf``: each a function from text to a typed value.

They raise ``ValueError`` with the reason, in words that go behind ``bad value: KEY=VALUE``. Times are
seconds.
"""

import re
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any

from cygnet.base.groups import Group
from cygnet.base.selectors import PROTOCOL_NAMES, SERVICE_NAMES

Kind = Callable[[str], Any]


class UnusableError(ValueError):
    """The value is wrong, but only its own connection has to do without: that one is not loaded."""


_TIME = re.compile(r"(\d{1,12})s?|(\d{1,9}(?:\.\d{1,9})?)([mhd])", re.ASCII)
_DEVICE = re.compile(r"[^\s/:]{1,15}")
_NUMBER = re.compile(r"\d{1,20}", re.ASCII)
_HOST_NAME = re.compile(r"(?=.{1,255}$)[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?", re.ASCII)
_GROUPS_OF_OTHERS = ("wch",)  # of strongSwan's programs that have no part here
_UNIT_S = {"m": 60, "h": 3600, "d": 86400}
_PROTOCOLS = {name: number for number, name in PROTOCOL_NAMES.items()} | {
    "icmpv6": 58, "ipip": 4, "ipencap": 4, "ipv6": 41, "vrrp": 112, "udplite": 136, "%any": 0, "any": 0,
}  # fmt: skip
_PORTS = {name: number for number, name in SERVICE_NAMES.items()}
_AUTH_PLAIN = ("psk", "secret", "any", "null")
_AUTH_KEYS = re.compile(
    r"(ike:)?(pubkey|rsa(/pss)?|ecdsa|ed25519|ed448|bliss)"
    r"((-\d{1,5})|(-(rsa(/pss)?|ecdsa|ed25519|ed448|bliss|sha1|sha224|sha256|sha384|sha512|identity)))*",
    re.ASCII,
)
_AUTH_OTHER = re.compile(r"(eap|xauth)(-[\w.:/-]+)?", re.ASCII)
_AUTHBY_MEANS = {
    "psk": "psk", "secret": "psk", "pubkey": "pubkey", "rsa": "pubkey", "rsasig": "pubkey", "ecdsa": "pubkey",
    "ecdsasig": "pubkey", "never": "never", "eap": "eap", "xauthpsk": "xauthpsk",
    "xauthrsasig": "xauthrsasig",
}  # fmt: skip


def text(value: str) -> str:
    """Any text."""
    return value


def yes_no(value: str) -> bool:
    """Exactly ``yes`` or ``no``."""
    if value not in ("yes", "no"):
        raise ValueError("must be yes or no")
    return value == "yes"


def one_of(*words: str, **synonyms: str) -> Kind:
    """One of some words; ``synonyms`` are read as the word they name."""
    meaning = {word: word for word in words} | synonyms

    def read(value: str) -> str:
        if value not in meaning:
            raise ValueError(f"must be one of {', '.join(meaning)}")
        return meaning[value]

    return read


def whole(low: int, high: int, **words: int) -> Kind:
    """An integer from ``low`` to ``high``; ``words`` (without their ``%``) stand for numbers."""

    def read(value: str) -> int:
        if value.startswith("%") and value[1:] in words:
            return words[value[1:]]
        number = value[1:] if value.startswith("-") else value
        if not _NUMBER.fullmatch(number) or not low <= int(value) <= high:
            more = "".join(f" or %{word}" for word in words)
            raise ValueError(f"must be a number from {low} to {high}{more}")
        return int(value)

    return read


def seconds(value: str) -> float:
    """``30``, ``30s``, ``1.5m``, ``3h``, ``1d``."""
    match = _TIME.fullmatch(value)
    if not match:
        raise ValueError("must be a time such as 30s, 9m, 3h or 1d")
    if match[1]:
        return int(match[1])
    return float(match[2]) * _UNIT_S[match[3]]


def percent(value: str) -> int:
    """``100%``."""
    if not value.endswith("%") or not _NUMBER.fullmatch(value[:-1]) or len(value) > 6:
        raise ValueError("must be a percentage such as 100%")
    return int(value[:-1])


def dscp(value: str) -> int:
    """Six binary digits."""
    if len(value) != 6 or set(value) - {"0", "1"}:
        raise ValueError("must be six binary digits")
    return int(value, 2)


def listed(value: str) -> tuple[str, ...]:
    """A comma list."""
    return tuple(part for part in (piece.strip() for piece in value.split(",")) if part)


def log_levels(value: str) -> tuple[tuple[str, int], ...]:
    """``charondebug``: ``ike 2, knl 3``."""
    words = value.replace(",", " ").split()
    if len(words) % 2:
        raise ValueError("must be pairs of a log type and a level, such as 'ike 2, knl 3'")
    pairs = []
    for group, level in zip(words[::2], words[1::2], strict=True):
        number = whole(-1, 4)(level)
        if group != "any" and group not in (*Group, *_GROUPS_OF_OTHERS):
            raise ValueError(f"unknown log type '{group}'; known are any, {', '.join(Group)}")
        if group not in _GROUPS_OF_OTHERS:
            pairs.append((group, number))
    return tuple(pairs)


_PLUTO_DEBUG = (
    "none", "all", "raw", "crypt", "parsing", "emitting", "control", "lifecycle", "kernel", "klips", "dns",
    "natt", "oppo", "controlmore", "private",
)  # fmt: skip


def pluto_debug(value: str) -> tuple[str, ...]:
    """``plutodebug``: classes of pluto's messages; ``none`` is no class."""
    words = value.replace(",", " ").split()
    for word in words:
        if word not in _PLUTO_DEBUG:
            raise ValueError(f"unknown class '{word}'; known are {', '.join(_PLUTO_DEBUG)}")
    return tuple(word for word in words if word != "none")


def hosts(value: str) -> tuple[str, ...]:
    """``left``: addresses, prefixes, ranges and names, or ``%any``; ``%NAME`` as ``left`` has it."""
    found = listed(value)
    if not found:
        raise ValueError("names no host")
    return tuple(_host(one) for one in found)


def subnets(value: str) -> tuple[str, ...]:
    """``leftsubnet``: prefixes with ``[PROTOCOL/PORT]``, or ``%dynamic``."""
    return tuple(_subnet(one) for one in listed(value))


def protocol_port(value: str) -> tuple[int, int, int]:
    """``leftprotoport``: protocol, first and last port; 65535 to 0 is opaque."""
    name, slash, port = value.partition("/")
    protocol = _protocol(name.strip())
    return (protocol, *(_ports(port.strip()) if slash else (0, 65535)))


def auth(value: str) -> str:
    """``leftauth``: ``pubkey``, ``psk``, ``rsa-2048-sha256`` and their kin, ``eap-…``, ``xauth-…``."""
    if value in _AUTH_PLAIN:
        return "psk" if value == "secret" else value
    first = value.split(":", 1)[0] if value.startswith(("eap", "xauth")) else value
    if _AUTH_OTHER.fullmatch(first) or _AUTH_KEYS.fullmatch(value):
        return value
    raise ValueError("must be pubkey, psk, rsa, ecdsa, ed25519 with key bits and hashes behind, eap, "
                     "xauth or null")


def authby(value: str) -> str:
    """``authby``, one or two joined by a bar; the result is what ``leftauth`` would say."""
    words = value.split("|")
    for word in words:
        if word not in _AUTHBY_MEANS:
            raise ValueError(f"must be one of {', '.join(_AUTHBY_MEANS)}")
    if "never" in words:
        return "never"
    return "|".join(dict.fromkeys(_AUTHBY_MEANS[word] for word in words))


def ike_proposals(value: str) -> str:
    """``ike``, as written; raises :class:`UnusableError` for algorithms that are unknown or weak."""
    return _proposals(value, "IKE")


def esp_proposals(value: str) -> str:
    """``esp``, as written; raises :class:`UnusableError` for algorithms that are unknown or weak."""
    return _proposals(value, "ESP")


def ah_proposals(value: str) -> str:
    """``ah``, as written; raises :class:`UnusableError` for algorithms that are unknown or weak."""
    return _proposals(value, "AH")


def mark(value: str) -> str:
    """``VALUE[/MASK]`` or ``%unique``, ``%unique-dir`` in place of the value."""
    number, slash, mask = value.partition("/")
    for part in [number] * (number not in ("%unique", "%unique-dir")) + [mask] * bool(slash):
        try:
            good = 0 <= int(part, 0) <= 0xFFFFFFFF
        except ValueError:
            good = False
        if not good:
            raise ValueError("must be VALUE or VALUE/MASK of 32 bits")
    return value


def fixed_mark(value: str) -> str:
    """``VALUE[/MASK]``."""
    if value.startswith("%"):
        raise ValueError("must be VALUE or VALUE/MASK of 32 bits")
    return mark(value)


def interface(value: str) -> str:
    """``no``, or ``auto``, ``xfrm`` or ``vti`` with ``:NAME`` behind it or not."""
    kind, colon, name = value.partition(":")
    if kind not in ("no", "auto", "xfrm", "vti") or (kind == "no" and colon):
        raise ValueError("must be no, auto, xfrm or vti, with :NAME behind it or not")
    if colon and not _DEVICE.fullmatch(name):
        raise ValueError("must have 1 to 15 characters without blanks and slashes behind the colon")
    return value


def _proposals(value: str, protocol: str) -> str:
    from cygnet.crypto.proposals import Protocol, parse_proposals  # slow to import, and often not needed

    try:
        parse_proposals(value, Protocol[protocol])
    except ValueError as error:
        raise UnusableError(str(error)) from None
    return value


def _host(value: str) -> str:
    if value in ("%any", "%any4", "%any6"):
        return value
    if value in ("%defaultroute", "0.0.0.0", "::", "0.0.0.0/0", "::/0"):
        return "%any6" if value.startswith("::") else "%any"
    if value.startswith("%") and value[1:] in ("group", "opportunistic", "opportunisticgroup"):
        raise ValueError("opportunistic connections are not part of Cygnet")
    name = value.removeprefix("%")
    first, dash, last = name.partition("-")
    if dash and _is_address(first) and _is_address(last):
        _check_range(first, last)
    elif "/" in name:
        _check_network(name)
    elif not _is_address(name) and (":" in name or not _HOST_NAME.fullmatch(name) or _looks_numeric(name)):
        raise ValueError(f"'{value}' is no address, prefix, range or host name")
    return value


def _subnet(value: str) -> str:
    if value.startswith(("vhost:", "vnet:")) or value in ("%no", "%priv", "%all", "%dhcp"):
        return value
    network, bracket, inside = value.partition("[")
    if bracket:
        if not inside.endswith("]"):
            raise ValueError(f"'{value}' lacks its closing bracket")
        protocol_port(inside[:-1])
    if network in ("%dynamic", "dynamic", ""):
        return "%dynamic" + bracket + inside
    first, dash, last = network.partition("-")
    if dash:
        _check_range(first, last)
    else:
        _check_network(network)
    return value


def _check_network(value: str) -> None:
    try:
        ip_network(value, strict=False)
    except ValueError:
        raise ValueError(f"'{value}' is no address or prefix") from None


def _check_range(first: str, last: str) -> None:
    try:
        low, high = ip_address(first.strip()), ip_address(last.strip())
    except ValueError:
        raise ValueError(f"'{first}-{last}' is no address range") from None
    if low.version != high.version or int(low) > int(high):
        raise ValueError(f"'{first}-{last}' does not go from a lower to a higher address")


def _is_address(value: str) -> bool:
    try:
        ip_address(value)
    except ValueError:
        return False
    return True


def _looks_numeric(value: str) -> bool:
    return not set(value) - set("0123456789.")


def _protocol(value: str) -> int:
    if value in _PROTOCOLS:
        return _PROTOCOLS[value]
    if _NUMBER.fullmatch(value) and int(value) <= 255:
        return int(value)
    raise ValueError(f"unknown protocol '{value}'")


def _ports(value: str) -> tuple[int, int]:
    if value in ("%any", "any", ""):
        return 0, 65535
    if value in ("%opaque", "opaque"):
        return 65535, 0
    if value in _PORTS:
        return _PORTS[value], _PORTS[value]
    first, dash, last = value.partition("-")
    numbers = [int(one) for one in (first, last if dash else first) if _NUMBER.fullmatch(one)]
    if len(numbers) != 2 or not 0 <= numbers[0] <= numbers[1] <= 65535:
        raise ValueError(f"'{value}' is no port or port range")
    return (0, 65535) if numbers == [0, 0] else (numbers[0], numbers[1])
