"""What happens when both sides are authenticated: state, lifetimes, liveness, the handshake's end."""

from cygnet.base.groups import Group
from cygnet.charon.config.records import PeerConfig
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.events import IkeEstablished
from cygnet.charon.sa.states import IkeState
from cygnet.charon.sa.timers import DeadPeer, IkeLifetimeOver, KeepAlive, RekeyIkeDue


def establish(sa: Association, replaces: int = 0) -> None:
    """The IKE_SA is established; ``replaces`` is the IKE_SA whose rekeying made it."""
    config = sa.peer_config
    if sa.local_id is None or sa.remote_id is None:
        raise RuntimeError("identities are not known")
    sa.times.established = sa.now
    sa.log(Group.IKE, f"IKE_SA {sa} established between {sa.between}")
    sa.move_to(IkeState.ESTABLISHED)
    contact = sa.handshake is not None and sa.handshake.initial_contact
    sa.announce(
        IkeEstablished(
            sa.unique_id,
            config,
            sa.local,
            sa.remote,
            sa.local_id,
            sa.remote_id,
            sa.initiator,
            contact,
            replaces,
        )
    )
    schedule_lifetime(sa, config)
    if config.dpd_delay_s:
        sa.schedule(config.dpd_delay_s, DeadPeer())
    if replaces and sa.nat.here and sa.ports.settings.keep_alive_s:
        sa.schedule(sa.ports.settings.keep_alive_s, KeepAlive())


def schedule_lifetime(sa: Association, config: PeerConfig) -> None:
    """Rekeying or re-authentication some time before the end, at random within the fuzz."""
    lifetime = config.ike_lifetime_s
    if not lifetime:
        return
    times = sa.times
    delay = jittered(sa, lifetime, config.margin_s, config.fuzz_percent)
    if config.rekey or config.reauth:
        what = "reauthentication" if config.reauth else "rekeying"
        sa.log(Group.IKE, f"scheduling {what} in {int(delay)}s")
        if config.reauth:
            times.reauth = sa.now + delay
        else:
            times.rekey = sa.now + delay
        sa.schedule(delay, RekeyIkeDue())
    end = min(delay + config.margin_s, lifetime)
    times.end = sa.now + end
    sa.log(Group.IKE, f"maximum IKE_SA lifetime {int(end)}s")
    sa.schedule(end, IkeLifetimeOver())


def jittered(sa: Association, lifetime: float, margin: float, fuzz_percent: int) -> float:
    """``lifetime`` less the margin and up to ``fuzz_percent`` of the margin more; at least a tenth of it."""
    delay = lifetime - margin - margin * fuzz_percent / 100 * sa.chance()
    return max(delay, lifetime / 10)
