"""Negotiating IPComp within a CHILD_SA (RFC 7296, 2.22; RFC 3173)."""

from struct import Struct
from typing import TYPE_CHECKING

from cygnet.base.errors import LocalError
from cygnet.base.groups import Group
from cygnet.charon.encoding.message import Message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.errors import RefusedError
from cygnet.kernel.port import Compression
from cygnet.keying.sa.child_sa import ChildSa

if TYPE_CHECKING:
    from cygnet.charon.sa.tasks.task import Draft

NAMES = {1: "IPCOMP_OUI", 2: "IPCOMP_DEFLATE", 3: "IPCOMP_LZS", 4: "IPCOMP_LZJH"}
_NOTIFY = Struct("!HB")


def propose(sa: Association, draft: "Draft", child: ChildSa) -> tuple[int, ...]:
    """Offer each transform that the kernel has, all under one CPI of ours; which ones were offered."""
    transforms = tuple(sorted(sa.ports.kernel.features.compression))
    if not child.config.compress or not _allocate(sa, child):
        return ()
    for transform in transforms:
        draft.notify(NotifyType.IPCOMP_SUPPORTED, _NOTIFY.pack(child.cpi_in, transform))
    return transforms


def accepted(sa: Association, message: Message, offered: tuple[int, ...]) -> Compression | None:
    """What the responder chose: nothing, or one of ``offered`` with its CPI."""
    chosen = _read(sa, message)
    if not chosen:
        if offered:
            text = "peer didn't accept our proposed IPComp transforms, IPComp is disabled"
            sa.log(Group.IKE, text)
        return None
    if not offered:
        raise RefusedError("received an IPCOMP_SUPPORTED notify without requesting one, no CHILD_SA built")
    first = chosen[0]
    if len(chosen) > 1 or first is None or first.transform not in offered:
        raise RefusedError("received an IPCOMP_SUPPORTED notify we didn't propose, no CHILD_SA built")
    return first


def choose(sa: Association, message: Message, compress: bool) -> Compression | None:
    """The first of the peer's transforms that the kernel has, if the connection wants one."""
    offers = _read(sa, message)
    if offers and not compress:
        sa.log(Group.IKE, "received IPCOMP_SUPPORTED notify but IPComp is disabled, ignoring")
        return None
    for offer in filter(None, offers):
        if offer.transform in sa.ports.kernel.features.compression:
            return offer
        name = NAMES.get(offer.transform, str(offer.transform))
        sa.log(Group.IKE, f"received IPCOMP_SUPPORTED notify with a transform ID we don't support {name}")
    return None


def answer(sa: Association, draft: "Draft", child: ChildSa, chosen: Compression | None) -> Compression | None:
    """Say so to the peer; without a CPI of ours there is no compression."""
    if chosen is None or not _allocate(sa, child):
        return None
    draft.notify(NotifyType.IPCOMP_SUPPORTED, _NOTIFY.pack(child.cpi_in, chosen.transform))
    return chosen


def _allocate(sa: Association, child: ChildSa) -> bool:
    try:
        child.cpi_in = sa.ports.kernel.allocate_cpi(sa.remote.address, sa.local.address)
    except LocalError as error:
        sa.log(Group.IKE, f"unable to allocate a CPI from kernel, IPComp disabled: {error}")
        return False
    return True


def _read(sa: Association, message: Message) -> list[Compression | None]:
    """All notifies, ``None`` for senseless ones; attributes behind are of transforms that nobody here has."""
    found: list[Compression | None] = []
    for notify in message.notifies:
        if notify.type != NotifyType.IPCOMP_SUPPORTED:
            continue
        cpi, transform = _NOTIFY.unpack_from(notify.data.ljust(_NOTIFY.size, b"\0"))
        if cpi and transform:
            found.append(Compression(transform, cpi))
        else:
            sa.log(Group.IKE, f"received senseless IPCOMP_SUPPORTED notify '{notify.data.hex()}'")
            found.append(None)
    return found
