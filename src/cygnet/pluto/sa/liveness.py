"""Dead peer detection (RFC 3706): asked when the peer has been silent, answered at once."""

from cygnet.base.groups import Group
from cygnet.crypto.proposals import Protocol
from cygnet.pluto.encoding.notify import NotifyType
from cygnet.pluto.encoding.payloads import Notification
from cygnet.pluto.encoding.vendor_ids import Feature
from cygnet.pluto.sa.association import Association
from cygnet.pluto.sa.timers import DeadPeer

_EARLY_S = 0.001


def answer(sa: Association, asked: Notification) -> None:
    """R-U-THERE-ACK with the same number; an older number than the last one is a replay (RFC 3706, 6.2)."""
    number = int.from_bytes(asked.data[:4], "big")
    known = sa.dpd.peer
    if asked.spi != sa.cookies or len(asked.data) != 4 or (known is not None and number < known):
        sa.count("dpd_dropped")
        return
    sa.dpd.peer = number
    sa.inform(Notification(NotifyType.R_U_THERE_ACK, asked.data, Protocol.IKE, sa.cookies))


def answered(sa: Association, notification: Notification) -> None:
    """The peer is there, if this answers our last question."""
    if notification.spi == sa.cookies and notification.data == _octets(sa.dpd.own):
        sa.dpd.unanswered = 0


def due(sa: Association) -> bool:
    """Ask if the peer has been silent for long enough; False once it was silent for too long."""
    config = sa.peer_config
    delay, idle = config.dpd_delay_s, sa.now - sa.times.received
    if not delay or not sa.has(Feature.DPD):
        return True
    if idle + _EARLY_S < delay:
        sa.dpd.unanswered = 0
        sa.schedule(delay - idle, DeadPeer())
        return True
    if sa.dpd.unanswered and idle + _EARLY_S >= max(config.dpd_timeout_s, delay):
        sa.log(Group.JOB, "DPD check timed out, enforcing DPD action")
        return False
    if not sa.dpd.unanswered:
        sa.log(Group.IKE, "sending DPD request")
    sa.dpd.unanswered += 1
    sa.dpd.own = (sa.dpd.own or int.from_bytes(sa.ports.rng(3), "big")) + 1
    sa.inform(Notification(NotifyType.R_U_THERE, _octets(sa.dpd.own), Protocol.IKE, sa.cookies))
    left = max(config.dpd_timeout_s, delay) - idle
    sa.schedule(min(delay, left) if left > _EARLY_S else delay, DeadPeer())
    return True


def _octets(number: int) -> bytes:
    return number.to_bytes(4, "big")
