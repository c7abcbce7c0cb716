"""NO_NATS_ALLOWED: addresses that nobody may change on the way (RFC 4555, 3.9, 4.2.6)."""

from typing import TYPE_CHECKING

from cygnet.base.addresses import Host
from cygnet.charon.encoding.message import Message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.mobility import Pair

if TYPE_CHECKING:
    from cygnet.charon.sa.tasks.task import Draft

NO_NATS = NotifyType.NO_NATS_ALLOWED


def add(draft: "Draft", sa: Association) -> None:
    """Forbid NATs, unless both sides can live with them, to a message that is about addresses."""
    if not sa.nat.supported:
        draft.notify(NO_NATS, contents(sa.local, sa.remote))


def agrees(message: Message, pair: Pair) -> bool:
    """Whether a message came between the hosts that it says, if it says any; ``pair``: where it came."""
    notify = message.notify(NO_NATS)
    local, remote = pair
    return notify is None or notify.data == contents(remote, local)


def contents(source: Host, destination: Host) -> bytes:
    """The notification's data: both addresses, both ports."""
    ports = source.port.to_bytes(2, "big") + destination.port.to_bytes(2, "big")
    return source.address.packed + destination.address.packed + ports
