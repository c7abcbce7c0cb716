"""What the core shows of an ISAKMP SA, as status commands and the daemon read it."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from cygnet.kernel.port import Kernel, KernelError, SaId, Usage
from cygnet.keying.sa.child_snapshot import ChildSnapshot
from cygnet.pluto.config.records import PSK_METHODS, PeerConfig
from cygnet.pluto.jobs.core import ChildPicture, Picture
from cygnet.pluto.jobs.told import dns_of
from cygnet.pluto.sa.ike_sa import IkeSa
from cygnet.pluto.sa.states import State


def picture_of(sa: IkeSa, now: float) -> Picture:
    """The picture of an ISAKMP SA, taken while it is checked out."""
    seen = sa.snapshot(now)
    event, event_at = _event(seen.rekey_at, seen.expire_at, "EVENT_SA_REPLACE", "EVENT_SA_EXPIRE")
    config = seen.config
    return Picture(
        number=seen.unique_id,
        name=seen.name,
        instance=config.instance if config is not None else 0,
        state=seen.place.label,
        story=seen.place.story,
        life=seen.state,
        initiator=seen.initiator,
        local=seen.local,
        remote=seen.remote,
        local_id=str(seen.local_id or "%any"),
        remote_id=str(seen.remote_id or "%any"),
        cookies=(seen.cookie_i, seen.cookie_r),
        proposal=seen.proposal,
        auth=_method(config),
        xauth_user=seen.user,
        established_at=seen.established_at,
        reauth_at=seen.rekey_at,
        event=event,
        event_at=event_at,
        dpd=config is not None and bool(config.dpd_delay_s),
        replaces=seen.replaces,
        half_open=sa.half_open,
        given_addresses=seen.virtual_given,
        received_addresses=seen.virtual_received,
        dns=dns_of(seen.attributes),
        children=tuple(_child(child, seen.initiator) for child in seen.children),
        config=config,
    )


def with_usage(pictures: Callable[[], Sequence[Picture]], kernel: Kernel) -> list[Picture]:
    """The pictures with what the kernel counted; asks it once for each SA, which takes time."""
    return [
        replace(one, children=tuple(_counted(child, kernel) for child in one.children))
        for one in pictures()
    ]


def _child(child: ChildSnapshot, initiator: bool) -> ChildPicture:
    state = State.QUICK_I2 if initiator else State.QUICK_R2
    event, event_at = _event(child.rekey_at, child.expire_at, "EVENT_SA_REPLACE", "EVENT_SA_EXPIRE")
    return ChildPicture(
        number=child.unique_id,
        name=child.name,
        state=state.label,
        story=state.story,
        life=child.state,
        mode=str(child.mode),
        protocol=child.protocol,
        reqid=child.reqid,
        spi_in=child.inbound.spi,
        spi_out=child.outbound.spi,
        local_ts=" ".join(map(str, child.local_ts)),
        remote_ts=" ".join(map(str, child.remote_ts)),
        proposal=child.proposal,
        udp=child.udp,
        cpis=(child.cpis[0], child.cpis[1]) if len(child.cpis) == 2 else None,
        ids=(child.inbound, child.outbound),
        event=event,
        event_at=event_at,
        expire_at=child.expire_at,
    )


def _event(soft: float | None, hard: float | None, *names: str) -> tuple[str, float]:
    if soft is not None:
        return names[0], soft
    return ("", 0.0) if hard is None else (names[1], hard)


def _method(config: PeerConfig | None) -> str:
    if config is None:
        return ""
    return "pre-shared key" if config.method in PSK_METHODS else "public key"


def _counted(child: ChildPicture, kernel: Kernel) -> ChildPicture:
    if not child.established or child.ids is None:
        return child
    into, out = (_usage(kernel, one) for one in child.ids)
    return replace(child, usage_in=into, usage_out=out)


def _usage(kernel: Kernel, sa: SaId) -> Usage:
    try:
        return kernel.query_sa(sa)
    except KernelError:
        return Usage()
