"""What happens when both sides are authenticated: state, lifetimes, liveness, the handshake's end."""

from cygnet.base.groups import Group
from cygnet.charon.sa import keep_alive
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.events import IkeEstablished
from cygnet.charon.sa.states import IkeState
from cygnet.charon.sa.timers import DeadPeer, IkeLifetimeOver, RekeyIkeDue
from cygnet.keying.config.records import PeerConfig

LEAST_AUTH_S = 10.0
"""The shortest time between two authentications that a peer may ask for."""
MAX_AUTH_CHANGES = 16
"""How often a peer may shorten the time of one IKE_SA: each sets timers."""


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
            sa.succeeds,
        )
    )
    schedule_lifetime(sa, config)
    if config.dpd_delay_s:
        sa.schedule(config.dpd_delay_s, DeadPeer())
    if replaces and sa.nat.here:
        keep_alive.start(sa)


def schedule_lifetime(sa: Association, config: PeerConfig) -> None:
    """Rekeying or re-authentication some time before the end, at random within the fuzz.

    As strongSwan has it, the end is one margin after whichever comes first. An IKE_SA that a rekeying made
    keeps the time of re-authentication of the one before, and the end that the peer set (RFC 4478, 2).
    """
    times, lifetime = sa.times, config.ike_lifetime_s
    if lifetime and not config.rekey:
        times.end = sa.now + lifetime
    elif lifetime:
        due = sa.now + jittered(sa, lifetime, config.margin_s, config.fuzz_percent)
        if not config.reauth:
            times.rekey = due
            sa.log(Group.IKE, f"scheduling rekeying in {int(due - sa.now)}s")
        elif times.reauth is None or due < times.reauth:
            times.reauth = due
    if times.reauth is not None:
        sa.log(Group.IKE, f"scheduling reauthentication in {int(times.reauth - sa.now)}s")
    due_first = min((one for one in (times.rekey, times.reauth) if one is not None), default=None)
    if due_first is not None:
        latest = sa.now + lifetime if lifetime else float("inf")
        times.end = min(due_first + config.margin_s, max(latest, due_first))
    _schedule(sa)


def set_auth_lifetime(sa: Association, lifetime_s: float) -> None:
    """The responder wants us to authenticate anew within this time (RFC 4478): we do, a margin before.

    Where the margin is longer than the time, half of it has to do. A peer that wants it all the time gets
    it every :data:`LEAST_AUTH_S`, which the RFC allows (5).
    """
    times, margin = sa.times, sa.peer_config.margin_s
    ahead = margin if lifetime_s > margin else lifetime_s / 2
    due = sa.now + lifetime_s - ahead
    if times.established is not None:
        due = max(due, times.established + LEAST_AUTH_S)
    text = f"received AUTH_LIFETIME of {int(lifetime_s)}s"
    if times.auth_changes >= MAX_AUTH_CHANGES:
        sa.log(Group.IKE, f"{text}, ignored: it was changed {times.auth_changes} times already")
        return
    if times.reauth is not None and times.reauth <= due:
        left = int(times.reauth - sa.now)
        sa.log(Group.IKE, f"{text}, reauthentication already scheduled in {left}s")
        return
    sa.log(Group.IKE, f"{text}, scheduling reauthentication in {int(due - sa.now)}s")
    times.reauth, times.auth_changes = due, times.auth_changes + 1
    end = max(sa.now + lifetime_s, due + LEAST_AUTH_S)
    times.auth_end = times.end = end if times.end is None else min(times.end, end)
    _schedule(sa)


def _schedule(sa: Association) -> None:
    """Timers for what the times say; earlier ones that were set find that it is too early."""
    times = sa.times
    if times.auth_end is not None:
        times.end = times.auth_end if times.end is None else min(times.end, times.auth_end)
    for due in (times.rekey, times.reauth):
        if due is not None:
            sa.schedule(max(due - sa.now, 0.0), RekeyIkeDue())
    if times.end is not None:
        sa.log(Group.IKE, f"maximum IKE_SA lifetime {int(times.end - sa.now)}s")
        sa.schedule(max(times.end - sa.now, 0.0), IkeLifetimeOver())


def jittered(sa: Association, lifetime: float, margin: float, fuzz_percent: int) -> float:
    """``lifetime`` less the margin and up to ``fuzz_percent`` of the margin more; at least a tenth of it."""
    delay = lifetime - margin - margin * fuzz_percent / 100 * sa.chance()
    return max(delay, lifetime / 10)
