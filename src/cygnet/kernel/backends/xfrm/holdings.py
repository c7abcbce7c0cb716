"""What the kernel holds, ours and others', and removing single entries of it."""

import errno
import struct
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field, replace

from cygnet.kernel.backends.netlink import Netlink, RefusedError, attribute, attributes
from cygnet.kernel.backends.xfrm.constants import DIRECTIONS_BACK, Attr, Kind
from cygnet.kernel.backends.xfrm.owner import Owner
from cygnet.kernel.backends.xfrm.policy_layout import (
    POLICY_SIZE,
    PolicyInfo,
    Template,
    pack_policy_name,
    unpack_templates,
)
from cygnet.kernel.backends.xfrm.sa_layout import SA_INFO_SIZE, SaInfo, pack_sa_name, pack_spi_request
from cygnet.kernel.port import SaId

_SPIS = (0xC0000000, 0xCFFFFFFF)
_GONE = (errno.ENOENT, errno.ESRCH)


@dataclass(frozen=True, slots=True)
class HeldSa:
    """An SA, or a reserved SPI, as the kernel describes it; ``body`` is the whole description."""

    id: SaId
    info: SaInfo
    body: bytes = field(repr=False)

    @property
    def attributes(self) -> dict[int, bytes]:
        """By type."""
        return attributes(self.body[SA_INFO_SIZE:])


@dataclass(frozen=True, slots=True)
class HeldPolicy:
    """A policy as the kernel describes it."""

    info: PolicyInfo
    templates: tuple[Template, ...]
    attributes: dict[int, bytes] = field(repr=False)


def held_sas(netlink: Netlink) -> list[HeldSa]:
    """Every SA of ESP, AH and IPComp; raises :class:`RefusedError`."""
    found = []
    for message in netlink.dump(Kind.GET_SA):
        with suppress(struct.error, ValueError):
            info = SaInfo.unpack(message.body)
            if info.id is not None:
                found.append(HeldSa(info.id, info, message.body))
    return found


def held_policies(netlink: Netlink) -> list[HeldPolicy]:
    """Every policy but those of single sockets; raises :class:`RefusedError`."""
    found = []
    for message in netlink.dump(Kind.GET_POLICY):
        with suppress(struct.error, ValueError):
            info = PolicyInfo.unpack(message.body)
            if info.direction in DIRECTIONS_BACK:
                more = attributes(message.body[POLICY_SIZE:])
                found.append(HeldPolicy(info, unpack_templates(more.get(Attr.TMPL, b"")), more))
    return found


def is_ours(held: HeldSa | HeldPolicy, owner: Owner) -> bool:
    """Whether we, or a daemon before us, made it."""
    if isinstance(held, HeldPolicy):
        return owner.owns(held.info.index)
    return owner.owns(held.info.sequence) or is_reservation(held, owner)


def is_reservation(held: HeldSa, owner: Owner) -> bool:
    """Whether it is an SPI of ours without an SA."""
    return held.info.reqid == owner.reservation


def delete(netlink: Netlink, held: HeldSa | HeldPolicy) -> None:
    """Remove an entry, gone or not; raises :class:`RefusedError`."""
    try:
        if isinstance(held, HeldPolicy):
            name = pack_policy_name(held.info.selector, held.info.direction, held.info.index)
            netlink.ask(Kind.DELETE_POLICY, name + _copied(held.attributes, Attr.MARK, Attr.IF_ID))
        else:
            netlink.ask(Kind.DELETE_SA, pack_sa_name(held.id) + _copied(held.attributes, Attr.MARK))
    except RefusedError as error:
        if error.number not in _GONE:
            raise


def end_acquires(netlink: Netlink, reqids: Collection[int]) -> int:
    """Let the kernel forget the SAs of these reqids that it waits for, so that packets ask again.

    What it waits for has no SPI by which it could be deleted, so it is given one first. Returns how many
    there were; raises :class:`RefusedError`.
    """
    waiting = [held for held in held_sas(netlink) if not held.info.spi and held.info.reqid in reqids]
    for held in waiting:
        info = held.info
        anew = SaInfo(info.source, info.destination, info.protocol, 0, info.reqid, info.mode)
        bound = _copied(held.attributes, Attr.MARK, Attr.IF_ID, Attr.SA_PCPU)
        _, answers = netlink.ask(Kind.ALLOCATE_SPI, pack_spi_request(anew, *_SPIS) + bound)
        for answer in answers:
            spi = SaInfo.unpack(answer.body).spi
            delete(netlink, replace(held, id=replace(held.id, spi=spi)))
    return len(waiting)


def clear(netlink: Netlink, owner: Owner) -> tuple[int, int]:
    """Remove everything of ours, and nothing else; how many SAs and policies there were.

    Policies go first, so that none asks for SAs meanwhile. Raises :class:`RefusedError`.
    """
    policies = [policy for policy in held_policies(netlink) if is_ours(policy, owner)]
    sas = [sa for sa in held_sas(netlink) if is_ours(sa, owner)]
    for policy in policies:
        delete(netlink, policy)
    end_acquires(netlink, {template.reqid for policy in policies for template in policy.templates})
    for sa in sas:
        delete(netlink, sa)
    return len(sas), len(policies)


def marks_in_use(netlink: Netlink) -> list[int]:
    """Sequence numbers of SAs, indices of policies: where marks of owners may stand."""
    return [held.info.sequence for held in held_sas(netlink)] + [
        held.info.index for held in held_policies(netlink)
    ]


def _copied(found: dict[int, bytes], *kinds: Attr) -> bytes:
    return b"".join(attribute(kind, found[kind]) for kind in kinds if kind in found)
