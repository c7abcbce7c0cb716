"""When SAs are renewed and when they end (RFC 2407, 4.5 and 4.6.3.1; strongSwan's margins)."""

from cygnet.base.groups import Group
from cygnet.kernel.port import Lifetime
from cygnet.keying.config.records import ChildConfig
from cygnet.pluto.encoding.phase2_offers import DEFAULT_LIFETIME_S, Life
from cygnet.pluto.sa.association import Association
from cygnet.pluto.sa.timers import IkeLifetimeOver, RekeyIkeDue

MAX_LIFETIME_S = 0x7FFFFFFF


def schedule_ike(sa: Association) -> None:
    """Renewal of phase 1 some time before its end, which is the earlier of both sides' wishes."""
    config = sa.peer_config
    wishes = [one for one in (config.ike_lifetime_s, sa.lifetime_s) if one]
    if not wishes:
        return
    lifetime = min(wishes)
    sa.times.end = sa.now + lifetime
    sa.schedule(lifetime, IkeLifetimeOver())
    if config.rekey:
        delay = jittered(sa, lifetime, min(config.margin_s, lifetime / 2), config.fuzz_percent)
        sa.times.rekey = sa.now + delay
        sa.schedule(delay, RekeyIkeDue())
        sa.log(Group.IKE, f"scheduling reauthentication in {int(delay)}s")
    sa.log(Group.IKE, f"maximum IKE_SA lifetime {int(lifetime)}s")


def offered(config: ChildConfig) -> Life:
    """What we propose for an IPsec SA."""
    lifetime = config.lifetime
    seconds = int(lifetime.hard_s) or DEFAULT_LIFETIME_S
    return Life(min(seconds, MAX_LIFETIME_S), min(lifetime.hard_bytes // 1024, MAX_LIFETIME_S))


def lesser(one: Life, other: Life) -> Life:
    """The shorter of both; 0 kilobytes are without limit."""
    kilobytes = [life.kilobytes for life in (one, other) if life.kilobytes]
    return Life(min(one.seconds, other.seconds), min(kilobytes, default=0))


def of_child(sa: Association, config: ChildConfig, life: Life) -> Lifetime:
    """The lifetime of an IPsec SA as the kernel gets it, its soft limits at random within the fuzz.

    Without ``marginbytes=`` that of octets is a tenth.
    """
    own = config.lifetime
    hard_bytes = life.kilobytes * 1024
    if not sa.peer_config.rekey:
        return Lifetime(0, life.seconds, 0, hard_bytes, 0, own.hard_packets)
    margin = min(config.margin_s, life.seconds / 2)
    margin_bytes = own.hard_bytes - own.soft_bytes if own.soft_bytes else hard_bytes / 10
    return Lifetime(
        jittered(sa, life.seconds, margin, config.fuzz_percent),
        life.seconds,
        int(jittered(sa, hard_bytes, margin_bytes, config.fuzz_percent)) if hard_bytes else 0,
        hard_bytes,
        own.soft_packets,
        own.hard_packets,
    )


def jittered(sa: Association, lifetime: float, margin: float, fuzz_percent: int) -> float:
    """``lifetime`` less the margin and up to ``fuzz_percent`` of the margin more; at least a tenth of it."""
    delay = lifetime - margin - margin * fuzz_percent / 100 * sa.chance()
    return max(delay, lifetime / 10)
