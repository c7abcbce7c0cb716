"""Messages on espd's control socket: one JSON array per SOCK_SEQPACKET message, ``[serial, name, fields]``.

A client numbers its requests from 1 and gets one reply each; events have serial 0. The first request is
:class:`Hello`. Records of the kernel port travel as they are; the coding follows their annotations.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from ipaddress import ip_address
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from cygnet.base.addresses import Address
from cygnet.base.errors import LocalError
from cygnet.base.secret import Secret
from cygnet.kernel.port import (
    Acquire,
    Encapsulation,
    Expire,
    Features,
    IpProtocol,
    KernelEvent,
    MappingChange,
    PolicySpec,
    SaId,
    SaSpec,
    Usage,
)

VERSION = 3
MAX_MESSAGE = 160 * 1024
PAGE = 100
"""SAs in one :class:`Inventory`."""


class WireError(LocalError):
    """A message on the control socket does not follow this module."""


@dataclass(frozen=True, slots=True)
class Hello:
    """Who asks. ``owner`` keeps what it installed when it comes back, unless ``flush``."""

    owner: str
    flush: bool
    version: int = VERSION


@dataclass(frozen=True, slots=True)
class Bye:
    """The owner leaves; with ``flush`` its SAs and policies go."""

    flush: bool


@dataclass(frozen=True, slots=True)
class HandOver:
    """Descriptors come with this message: sockets for ESP in UDP, named ``esp4`` or ``esp6`` in order.

    They are UDP sockets, or raw ones for UDP, and take the place of all that espd had; none is a way to
    have the port back.
    """

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AllocateSpi:
    """Reserve an SPI."""

    source: Address
    destination: Address
    protocol: IpProtocol


@dataclass(frozen=True, slots=True)
class AddSa:
    """Install an SA."""

    spec: SaSpec


@dataclass(frozen=True, slots=True)
class UpdateSa:
    """Move an SA."""

    id: SaId
    new: SaId
    encapsulation: Encapsulation | None


@dataclass(frozen=True, slots=True)
class DeleteSa:
    """Remove an SA or a reservation."""

    id: SaId


@dataclass(frozen=True, slots=True)
class QuerySa:
    """Ask for an SA's counters."""

    id: SaId


@dataclass(frozen=True, slots=True)
class AddPolicy:
    """Install a policy, or count it once more."""

    spec: PolicySpec


@dataclass(frozen=True, slots=True)
class DeletePolicy:
    """Count a policy once less."""

    spec: PolicySpec


@dataclass(frozen=True, slots=True)
class AddAddress:
    """Give the host an address, or count it once more; ``device`` empty: on the TUN device."""

    address: Address
    device: str


@dataclass(frozen=True, slots=True)
class DeleteAddress:
    """Count an address once less."""

    address: Address
    device: str


@dataclass(frozen=True, slots=True)
class AcquireFailed:
    """No SA of this reqid came to be."""

    reqid: int


@dataclass(frozen=True, slots=True)
class Inspect:
    """Ask what is installed, :data:`PAGE` SAs from ``offset`` on."""

    offset: int = 0


@dataclass(frozen=True, slots=True)
class Greeting:
    """Answer to Hello. ``instance`` differs after each start of espd."""

    instance: str
    features: Features


@dataclass(frozen=True, slots=True)
class Done:
    """Success, nothing to tell."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Refused; ``reason`` in plain words."""

    reason: str


@dataclass(frozen=True, slots=True)
class Spi:
    """Answer to AllocateSpi."""

    spi: int


@dataclass(frozen=True, slots=True)
class SaStatus:
    """One installed SA."""

    id: SaId
    owner: str
    inbound: bool
    reqid: int
    udp: bool
    usage: Usage


@dataclass(frozen=True, slots=True)
class Count:
    """How many packets were dropped for one reason."""

    reason: str
    packets: int


@dataclass(frozen=True, slots=True)
class Inventory:
    """Answer to Inspect."""

    total_sas: int
    policies: int
    reservations: int
    mtu: int
    sas: tuple[SaStatus, ...]
    drops: tuple[Count, ...]


SaRequest = AllocateSpi | AddSa | UpdateSa | DeleteSa | QuerySa
PolicyRequest = AddPolicy | DeletePolicy | AcquireFailed
AddressRequest = AddAddress | DeleteAddress
Request = Hello | Bye | HandOver | SaRequest | PolicyRequest | AddressRequest | Inspect
Reply = Greeting | Done | Failed | Spi | Usage | Inventory
Message = Request | Reply | KernelEvent

_CLASSES: dict[str, type] = {
    cls.__name__: cls for cls in (*get_args(Request), *get_args(Reply), Acquire, Expire, MappingChange)
}
_PLAIN = (int, float, str, bool)


def encode(serial: int, message: Message) -> bytes:
    """One message as octets; raises :class:`WireError` when it is too large."""
    kind: Any = type(message)
    name = kind.__name__
    data = json.dumps([serial, name, _coding(kind)[0](message)], separators=(",", ":")).encode()
    if len(data) > MAX_MESSAGE:
        raise WireError(f"{name} of {len(data)} octets is larger than {MAX_MESSAGE}")
    return data


def decode(data: bytes) -> tuple[int, Message]:
    """Serial and message; raises :class:`WireError`."""
    try:
        serial, name, value = json.loads(data)
        if not isinstance(serial, int):
            raise TypeError("serial is no number")
        message: Message = _coding(_CLASSES[name])[1](value)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise WireError(f"control message cannot be read: {error}") from None
    return serial, message


_Coding = tuple[Callable[[Any], Any], Callable[[Any], Any]]


@cache
def _coding(hint: Any) -> _Coding:
    """How values annotated with ``hint`` become JSON and come back."""
    if hint in _PLAIN:
        return _same, _checked(hint)
    if hint == Address:
        return str, ip_address
    if get_origin(hint) in (Union, UnionType):
        return _optional(hint)
    if get_origin(hint) is tuple:
        return _sequence(hint, tuple)
    if get_origin(hint) is frozenset:
        return _sequence(hint, frozenset)
    return _class_coding(hint)


def _class_coding(cls: Any) -> _Coding:
    if cls is Secret:
        return (lambda secret: secret.reveal().hex()), (lambda text: Secret(bytes.fromhex(text)))
    if issubclass(cls, Enum):
        return (lambda member: member.value), cls
    if is_dataclass(cls):
        return _record(cls)
    raise TypeError(f"{cls} has no coding")


def _optional(hint: Any) -> _Coding:
    kinds = [kind for kind in get_args(hint) if kind is not NoneType]
    write, read = _coding(kinds[0] if len(kinds) == 1 else Union[tuple(kinds)])  # noqa: UP007
    return (
        lambda value: None if value is None else write(value),
        lambda value: None if value is None else read(value),
    )


def _sequence(hint: Any, make: Callable[[Any], Any]) -> _Coding:
    write, read = _coding(get_args(hint)[0])
    return (lambda values: [write(value) for value in values]), (lambda values: make(map(read, values)))


def _record(cls: Any) -> _Coding:
    hints = get_type_hints(cls)
    names = tuple(field.name for field in fields(cls))
    plan = [(name, *_coding(hints[name])) for name in names]

    def write(record: Any) -> list[Any]:
        return [encoder(getattr(record, name)) for name, encoder, _ in plan]

    def read(values: Any) -> Any:
        if len(values) != len(plan):
            raise ValueError(f"{cls.__name__} has {len(plan)} fields")
        return cls(*(decoder(value) for (_, _, decoder), value in zip(plan, values, strict=True)))

    return write, read


def _same(value: Any) -> Any:
    return value


def _checked(kind: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        right = isinstance(value, (int, float) if kind is float else kind)
        if not right or (kind is not bool and isinstance(value, bool)):
            raise TypeError(f"{value!r} is no {kind.__name__}")
        return value

    return read
