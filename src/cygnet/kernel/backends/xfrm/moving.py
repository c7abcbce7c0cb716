"""Moving an SA to other outer addresses or ports (RFC 4555, 3.5; RFC 7296, 2.23).

Where only the ports of UDP encapsulation change, the kernel changes them in place. Else the SA is taken out
and put back: what the kernel tells of one that it deletes is its last state, so that sequence numbers,
replay window and counters go on exactly where they stopped, and no sequence number is ever used twice under
one key.
"""

import errno
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

from cygnet.kernel.backends.netlink import (
    ANSWER_S,
    RECEIVE,
    Message,
    Netlink,
    RefusedError,
    attribute,
    attributes,
    split,
)
from cygnet.kernel.backends.xfrm.constants import NETLINK_XFRM, Attr, Group, Kind
from cygnet.kernel.backends.xfrm.errors import other_error
from cygnet.kernel.backends.xfrm.primitives import Current
from cygnet.kernel.backends.xfrm.sa_layout import (
    SA_INFO_SIZE,
    SA_NAME_SIZE,
    moved,
    unpack_algorithm,
)
from cygnet.kernel.backends.xfrm.states import naming
from cygnet.kernel.port import KernelError, SaId, SaSpec

_KEYED = {Attr.ALG_CRYPT: False, Attr.ALG_AEAD: True, Attr.ALG_AUTH_TRUNC: True}
"""Attributes with keys, and whether their structure has an ICV length."""
_CURRENT_AT = 160
_NOT_COPIED = frozenset((Attr.SA, Attr.ENCAP, Attr.LASTUSED, Attr.PAD, Attr.LTIME_VAL, 1))
"""Told anew, only told, or (1: XFRMA_ALG_AUTH) told twice."""


@dataclass(frozen=True, slots=True)
class Relocation:
    """An SA, its new name, what it was installed as, and its new XFRMA_ENCAP attribute or nothing."""

    old: SaId
    new: SaId
    spec: SaSpec
    ports: bytes


def relocate(netlink: Netlink, wanted: Relocation) -> None:
    """Move an SA; raises :class:`KernelError`. If it fails in the middle the SA is gone."""
    what = f"moving {wanted.old.protocol.name} SA {wanted.old.spi:08x} to {wanted.new.destination}"
    try:
        current = _ask_for(netlink, wanted)
        if wanted.old == wanted.new and wanted.ports and Attr.ENCAP in attributes(current[SA_INFO_SIZE:]):
            netlink.ask(Kind.UPDATE_SA, _described_anew(current, wanted))
            return
        if hides_keys(current):
            raise KernelError(f"{what} failed: the kernel hides keys (lockdown), so that it cannot be moved")
        last = _take_out(netlink, wanted)
        netlink.ask(Kind.NEW_SA, _described_anew(last, wanted))
    except RefusedError as error:
        raise other_error(error, what) from error
    except OSError as error:
        raise KernelError(f"{what} failed: {error.strerror or error}") from error


def hides_keys(description: bytes) -> bool:
    """Whether the kernel shows zeros in place of keys (lockdown in mode confidentiality)."""
    found = attributes(description[SA_INFO_SIZE:])
    keys = [unpack_algorithm(found[kind], sized=sized)[1] for kind, sized in _KEYED.items() if kind in found]
    return any(key and not any(key) for key in keys)


def _ask_for(netlink: Netlink, wanted: Relocation) -> bytes:
    _, answers = netlink.ask(Kind.GET_SA, naming(wanted.old, wanted.spec))
    if not answers:
        raise RefusedError(errno.ESRCH)
    return answers[0].body


def _take_out(netlink: Netlink, wanted: Relocation) -> bytes:
    """Delete the SA; its last state, as a description of an SA."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_XFRM) as listener:
        listener.settimeout(ANSWER_S)
        listener.bind((0, Group.SA))
        sequence, _ = netlink.ask(Kind.DELETE_SA, naming(wanted.old, wanted.spec))
        for message in _heard(listener):
            if (message.kind, message.port, message.sequence) == (Kind.DELETE_SA, netlink.port, sequence):
                rest = message.body[SA_NAME_SIZE:]
                return attributes(rest)[Attr.SA] + rest
    raise TimeoutError("the kernel did not tell the SA's last state")


def _heard(listener: socket.socket) -> Iterator[Message]:
    deadline = time.monotonic() + ANSWER_S
    while time.monotonic() < deadline:
        yield from split(listener.recv(RECEIVE))


def _described_anew(description: bytes, wanted: Relocation) -> bytes:
    """A request for the SA as it was, under its new name."""
    info, rest = description[:SA_INFO_SIZE], attributes(description[SA_INFO_SIZE:])
    kept = [attribute(kind, value) for kind, value in rest.items() if kind not in _NOT_COPIED]
    counters = attribute(Attr.LTIME_VAL, Current.unpack(info, _CURRENT_AT).pack())
    return moved(info, wanted.new) + b"".join(kept) + wanted.ports + counters
