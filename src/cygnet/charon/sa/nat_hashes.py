"""The hashes by which two peers find the NATs between them (RFC 7296, 2.23; RFC 4555, 3.8)."""

from hashlib import sha1
from typing import TYPE_CHECKING

from cygnet.base.addresses import Host
from cygnet.base.groups import Group, Level
from cygnet.base.records import record
from cygnet.charon.encoding.message import Message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.sa import keep_alive
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.mobility import Pair

if TYPE_CHECKING:
    from cygnet.charon.sa.tasks.task import Draft

S, D = NotifyType.NAT_DETECTION_SOURCE_IP, NotifyType.NAT_DETECTION_DESTINATION_IP
MAX_HASHES = 16


@record
class Seen:
    """What a peer told: hashes of its own addresses, and of ours as it sees them."""

    sources: tuple[bytes, ...]
    destinations: tuple[bytes, ...]


def add(draft: "Draft", sa: Association, pair: Pair, spi_r: bytes, *, forced: bool) -> None:
    """Tell the peer; with ``forced`` a wrong hash of our own address, so that it sees a NAT."""
    local, remote = pair
    draft.notify(S, sa.ports.rng(20) if forced else digest(sa, local, spi_r))
    draft.notify(D, digest(sa, remote, spi_r))


def read(message: Message) -> Seen | None:
    """The hashes in a message; ``None`` unless there are both kinds."""
    told = message.notifies
    sources = tuple([one.data for one in told if one.type == S])[:MAX_HASHES]
    destinations = tuple([one.data for one in told if one.type == D])[:MAX_HASHES]
    return Seen(sources, destinations) if sources and destinations else None


def compare(sa: Association, seen: Seen, pair: Pair, spi_r: bytes) -> tuple[bool, bool]:
    """Whether there are NATs in front of us and of the peer, who talk as ``pair``."""
    local, remote = pair
    return (
        digest(sa, local, spi_r) not in seen.destinations,
        digest(sa, remote, spi_r) not in seen.sources,
    )


def apply(sa: Association, found: tuple[bool, bool], *, forced: bool) -> None:
    """Believe it; who has a NAT in front of it keeps its mapping alive."""
    nat = sa.nat
    before = (nat.here, nat.there)
    nat.here, nat.there = found
    nat.forced = forced
    level = Level.DETAIL if before == found and sa.handshake is None else Level.CONTROL
    if nat.here:
        sa.log(Group.IKE, "local host is behind NAT, sending keep alives", level)
        keep_alive.start(sa)
    if nat.there:
        sa.log(Group.IKE, "remote host is behind NAT", level)
    if nat.forced and not nat.here:
        sa.log(Group.IKE, "faking NAT situation to enforce UDP encapsulation", level)


def digest(sa: Association, host: Host, spi_r: bytes) -> bytes:
    """SHA-1 of the SPIs, an address and a port."""
    data = b"".join((sa.spi_i, spi_r, host.address.packed, host.port.to_bytes(2, "big")))
    return sha1(data, usedforsecurity=False).digest()
