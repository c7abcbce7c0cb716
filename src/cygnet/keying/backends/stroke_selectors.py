"""``leftsubnet`` and ``leftprotoport`` as traffic selectors."""

import socket
from collections.abc import Callable

from cygnet.base.selectors import ICMP_PROTOCOLS, PROTOCOL_NAMES, SERVICE_NAMES, TrafficSelector
from cygnet.ctl.stroke import End

ANY_PORT, OPAQUE = (0, 65535), (65535, 0)
_PROTOCOLS = {name: number for number, name in PROTOCOL_NAMES.items()}
_SERVICES = {name: number for number, name in SERVICE_NAMES.items()}


def selectors(end: End) -> tuple[TrafficSelector, ...]:
    """The end's selectors; without subnets the host itself. Raises ``ValueError`` naming the bad one."""
    ports = (end.from_port, end.to_port)
    parts = [part.strip() for part in _split(end.subnets)] or ["%dynamic"]
    return tuple(_selector(part, end.protocol, ports) for part in parts if part)


def _split(text: str) -> list[str]:
    """At commas and at blanks; brackets contain neither."""
    return text.replace(",", " ").split()


def _selector(part: str, protocol: int, ports: tuple[int, int]) -> TrafficSelector:
    """``NET[PROTO/PORT]``; what stands in the brackets goes before ``leftprotoport``."""
    network, bracket, rest = part.partition("[")
    try:
        if bracket:
            if not rest.endswith("]"):
                raise ValueError("']' is missing")
            protocol, ports = _protocol_and_port(rest[:-1])
        if protocol in ICMP_PROTOCOLS:
            ports = _type_and_code(ports)
        return TrafficSelector.of(network or "%dynamic", protocol, ports)
    except ValueError as error:
        raise ValueError(f"subnet '{part}': {error}") from None


def _protocol_and_port(text: str) -> tuple[int, tuple[int, int]]:
    protocol, _, port = text.partition("/")
    return _protocol(protocol), _ports(port)


def _type_and_code(ports: tuple[int, int]) -> tuple[int, int]:
    """ICMP types below 256 with all their codes; from 256 on the type is in the upper octet (RFC 4301)."""
    if ports in (ANY_PORT, OPAQUE):
        return ports
    low, high = ports
    return low << 8 if low < 256 else low, high << 8 | 255 if high < 256 else high


def _protocol(text: str) -> int:
    if text in ("", "%any", "any"):
        return 0
    number = int(text) if text.isdigit() else _PROTOCOLS.get(text.lower())
    if number is None:
        number = _system(socket.getprotobyname, text, "protocol")
    if not 0 <= number <= 255:
        raise ValueError(f"protocol {number} is not between 0 and 255")
    return number


def _ports(text: str) -> tuple[int, int]:
    if text in ("", "%any", "any"):
        return ANY_PORT
    if text in ("%opaque", "OPAQUE"):
        return OPAQUE
    low, dash, high = text.partition("-")
    if dash and low.isdigit() and high.isdigit():
        ports = (int(low), int(high))
    else:
        port = _port(text)
        ports = (port, port)
    if not 0 <= ports[0] <= ports[1] <= 65535:
        raise ValueError(f"port {text} is not between 0 and 65535")
    return ports


def _port(text: str) -> int:
    if text.isdigit():
        return int(text)
    known = _SERVICES.get(text.lower())
    return _system(socket.getservbyname, text, "service") if known is None else known


def _system(lookup: Callable[[str], int], name: str, what: str) -> int:
    try:
        return lookup(name)
    except OSError:
        raise ValueError(f"unknown {what} '{name}'") from None
