"""Messages on espd's control socket: one JSON array per SOCK_SEQPACKET message, ``[serial, name, fields]``.

A client numbers its requests from 1 and gets one reply each, in order. The first request is :class:`Hello`,
or :class:`Follow` on a second connection, where events (with serial 0) then come. Records of the kernel port
travel as they are; the coding follows their annotations.
"""

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache, lru_cache
from ipaddress import IPv4Address, IPv6Address
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from cygnet.base.addresses import Address
from cygnet.base.errors import LocalError
from cygnet.base.records import record
from cygnet.base.secret import Secret
from cygnet.base.selectors import TrafficSelector
from cygnet.kernel.port import (
    Acquire,
    DropCount,
    Encapsulation,
    Expire,
    Features,
    IpProtocol,
    KernelEvent,
    MappingChange,
    Mark,
    Mode,
    PolicySpec,
    SaId,
    SaSpec,
    Usage,
)

VERSION = 4
ANOTHER_RUNS = 3
"""Exit status of an espd that finds another one, which may be about to listen."""
MAX_MESSAGE = 160 * 1024
PAGE = 100
"""SAs, policies and routes in one :class:`Inventory`."""


class WireError(LocalError):
    """A message on the control socket does not follow this module."""


@record
class Hello:
    """Who asks. ``owner`` keeps what it installed when it comes back, unless ``flush``."""

    owner: str
    flush: bool
    version: int = VERSION


@record
class Follow:
    """The owner's events shall come here. Only after its Hello on another connection."""

    owner: str


@record
class Bye:
    """The owner leaves; with ``flush`` its SAs and policies go."""

    flush: bool


@record
class HandOver:
    """Descriptors come with this message: sockets for ESP in UDP, named ``esp4`` or ``esp6`` in order.

    They are UDP sockets, or raw ones for UDP, and take the place of all that espd had; none is a way to
    have the port back. With ``yields`` they are closed if espd has any.
    """

    names: tuple[str, ...]
    yields: bool = False


@record
class AllocateSpi:
    """Reserve ``count`` SPIs."""

    source: Address
    destination: Address
    protocol: IpProtocol
    count: int = 1


@record
class AddSa:
    """Install an SA."""

    spec: SaSpec


@record
class UpdateSa:
    """Move an SA."""

    id: SaId
    new: SaId
    encapsulation: Encapsulation | None


@record
class DeleteSa:
    """Remove an SA or a reservation."""

    id: SaId


@record
class QuerySa:
    """Ask for an SA's counters."""

    id: SaId


@record
class AddPolicy:
    """Install a policy, or count it once more."""

    spec: PolicySpec


@record
class DeletePolicy:
    """Count a policy once less."""

    spec: PolicySpec


@record
class AddAddress:
    """Give the host an address, or count it once more; ``device`` empty: on the TUN device."""

    address: Address
    device: str


@record
class DeleteAddress:
    """Count an address once less."""

    address: Address
    device: str


@record
class AcquireFailed:
    """No SA of this reqid came to be."""

    reqid: int


@record
class Install:
    """Install SAs and policies that belong together, all or none."""

    sas: tuple[SaSpec, ...]
    policies: tuple[PolicySpec, ...]


@record
class Remove:
    """Remove policies and SAs that belong together."""

    policies: tuple[PolicySpec, ...]
    sas: tuple[SaId, ...]


@record
class Inspect:
    """Ask what is installed, ``most`` SAs, policies and routes from ``offset`` on."""

    offset: int = 0
    most: int = PAGE


@record
class Greeting:
    """Answer to Hello. ``instance`` differs after each start of espd."""

    instance: str
    features: Features


@record
class Done:
    """Success, nothing to tell."""


@record
class Failed:
    """Refused; ``reason`` in plain words."""

    reason: str


@record
class Spis:
    """Answer to AllocateSpi."""

    spis: tuple[int, ...]


@record
class SaStatus:
    """One installed SA."""

    id: SaId
    owner: str
    inbound: bool
    reqid: int
    mode: Mode
    encapsulation: Encapsulation | None
    mark: Mark | None
    usage: Usage


@record
class Inventory:
    """Answer to Inspect: numbers, and one page of SAs, of lines about policies and of routes."""

    total_sas: int
    total_policies: int
    total_routes: int
    reservations: int
    mtu: int
    sas: tuple[SaStatus, ...]
    policies: tuple[str, ...]
    routes: tuple[str, ...]
    drops: tuple[DropCount, ...]


SaRequest = AllocateSpi | AddSa | UpdateSa | DeleteSa | QuerySa
PolicyRequest = AddPolicy | DeletePolicy | Install | Remove | AcquireFailed
AddressRequest = AddAddress | DeleteAddress
Request = Hello | Follow | Bye | HandOver | SaRequest | PolicyRequest | AddressRequest | Inspect
Reply = Greeting | Done | Failed | Spis | Usage | Inventory
Message = Request | Reply | KernelEvent

_CLASSES: dict[str, type] = {
    cls.__name__: cls for cls in (*get_args(Request), *get_args(Reply), Acquire, Expire, MappingChange)
}
_PLAIN = (int, float, str, bool)
_EXACT = (int, str, bool)
"""Those that JSON gives back as they were; a float may have become a whole number."""
_REPEATED = (TrafficSelector,)
"""These come several times in a message and in many; they hold no secrets, so what was read is kept."""


def encode(serial: int, message: Message) -> bytes:
    """One message as octets; raises :class:`WireError` when it is too large."""
    kind: Any = type(message)
    name = kind.__name__
    data = _WRITER.encode([serial, name, _coding(kind)[0](message)]).encode()
    if len(data) > MAX_MESSAGE:
        raise WireError(f"{name} of {len(data)} octets is larger than {MAX_MESSAGE}")
    return data


def decode(data: bytes) -> tuple[int, Message]:
    """Serial and message; raises :class:`WireError`."""
    try:
        serial, name, value = _READER.decode(data.decode())
        if type(serial) is not int:
            raise TypeError("serial is no number")
        message: Message = _coding(_CLASSES[name])[1](value)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise WireError(f"control message cannot be read: {error}") from None
    return serial, message


_WRITER, _READER = json.JSONEncoder(separators=(",", ":"), check_circular=False), json.JSONDecoder()
_Coding = tuple[Callable[[Any], Any], Callable[[Any], Any]]


@cache
def _coding(hint: Any) -> _Coding:
    """How values annotated with ``hint`` become JSON and come back."""
    if hint in _PLAIN:
        return _same, _checked(hint)
    if hint == Address:
        return _write_address, _read_address
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
        members = {member.value: member for member in cls}
        return attrgetter("_value_"), members.__getitem__  # a tenth of the time that ``value`` takes
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
    """A list of the fields in order. Fields that JSON has itself are taken as they are, once checked."""
    hints = get_type_hints(cls)
    names = tuple(field.name for field in fields(cls))
    codings = [_coding(hints[name]) for name in names]
    count, values_of = len(names), _getter(names)
    writers = [(place, write) for place, (write, _) in enumerate(codings) if write is not _same]
    exact = [(place, hints[name]) for place, name in enumerate(names) if hints[name] in _EXACT]
    readers = [(place, read) for place, (_, read) in enumerate(codings) if hints[names[place]] not in _EXACT]

    def write(record: Any) -> list[Any]:
        values = values_of(record)
        for place, encoder in writers:
            value = values[place]
            if value is not None:
                values[place] = encoder(value)
        return values

    def read(values: Any) -> Any:
        if len(values) != count:
            raise ValueError(f"{cls.__name__} has {count} fields")
        for place, kind in exact:
            if type(values[place]) is not kind:
                raise TypeError(f"{values[place]!r} is no {kind.__name__}")
        for place, decoder in readers:
            values[place] = decoder(values[place])
        return cls(*values)

    return write, _remembered(read) if cls in _REPEATED else read


def _remembered(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same, but what it made of equal fields is given again; numbers and truth values are not equal."""
    known = lru_cache(maxsize=4096, typed=True)(lambda *values: read([*values]))
    return lambda values: known(*values)


def _getter(names: tuple[str, ...]) -> Callable[[Any], list[Any]]:
    if len(names) < 2:
        return lambda record: [getattr(record, name) for name in names]
    get = attrgetter(*names)
    return lambda record: list(get(record))


def _write_address(address: Address) -> int | str:
    """IPv4 as a number, IPv6 as text: addresses are the most frequent values by far."""
    return int(address) if type(address) is IPv4Address else str(address)


@lru_cache(maxsize=4096, typed=True)
def _read_address(value: Any) -> Address:
    return IPv4Address(value) if type(value) is int else IPv6Address(value)


def _same(value: Any) -> Any:
    return value


def _checked(kind: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is kind or (kind is float and type(value) is int):
            return value
        raise TypeError(f"{value!r} is no {kind.__name__}")

    return read
