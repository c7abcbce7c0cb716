"""Finding NATs between the peers and the change to port 4500 (RFC 3947, 3 and 4; the drafts before it)."""

from cygnet.base.addresses import Host
from cygnet.base.effects import Send
from cygnet.base.groups import Group
from cygnet.pluto.encoding.message import Message
from cygnet.pluto.encoding.payloads import NatDetection, NatDetectionDraft, Payload
from cygnet.pluto.encoding.vendor_ids import Feature, best_natt
from cygnet.pluto.sa.association import Association
from cygnet.pluto.sa.keymat import digest, equal, hash_name_of
from cygnet.pluto.sa.timers import KeepAlive

KEEP_ALIVE = b"\xff"
MAX_HASHES = 16
_EARLY_S = 0.001


def agree(sa: Association) -> None:
    """Choose the version to speak with this peer, from the vendor IDs that it sent."""
    sa.nat.version = best_natt(sa.features)


def payloads(sa: Association) -> tuple[Payload, ...]:
    """The hash of the peer's address first, then ours (RFC 3947, 3.2); nothing if the peer cannot."""
    if sa.nat.version is None:
        return ()
    kind = NatDetection if sa.nat.version is Feature.NATT_RFC else NatDetectionDraft
    own = sa.ports.rng(len(_hash(sa, sa.local))) if sa.nat.forced else _hash(sa, sa.local)
    return kind(_hash(sa, sa.remote)), kind(own)


def read(sa: Association, message: Message) -> None:
    """Compare the peer's hashes with what we see: the first is about us, the others about the peer."""
    seen = [one.data for one in message.all(NatDetection)][:MAX_HASHES]
    if sa.nat.version is None or len(seen) < 2:
        return
    sa.nat.here = not equal(seen[0], _hash(sa, sa.local))
    theirs = _hash(sa, sa.remote)
    sa.nat.there = not any(equal(one, theirs) for one in seen[1:])
    if sa.nat.here:
        sa.log(Group.IKE, "local host is behind NAT, sending keep alives")
        schedule_keep_alive(sa, sa.ports.settings.keep_alive_s)
    if sa.nat.there:
        sa.log(Group.IKE, "remote host is behind NAT")
    if sa.nat.forced and not sa.nat.here:
        sa.log(Group.IKE, "faking NAT situation to enforce UDP encapsulation")


def float_ports(sa: Association) -> None:
    """Go on between the NAT-T ports if there is a NAT: the initiator does so first (RFC 3947, 4)."""
    settings = sa.ports.settings
    if not sa.nat.any or sa.local.port != settings.port:
        return
    sa.local, sa.remote = sa.local.with_port(settings.port_nat_t), sa.remote.with_port(4500)


def schedule_keep_alive(sa: Association, delay_s: float) -> None:
    """Look again in so many seconds; 0 is never."""
    if delay_s:
        sa.schedule(delay_s, KeepAlive())


def keep_alive(sa: Association) -> None:
    """Keep the mapping of a NAT in front of us alive (RFC 3948, 4), unless something else did."""
    interval = sa.ports.settings.keep_alive_s
    if not sa.nat.here or not interval:
        return
    idle = sa.now - sa.times.sent
    if idle + _EARLY_S < interval:
        schedule_keep_alive(sa, interval - idle)
        return
    sa.times.sent = sa.now
    sa.effects.append(Send(sa.local, sa.remote, KEEP_ALIVE))
    schedule_keep_alive(sa, interval)


def _hash(sa: Association, host: Host) -> bytes:
    """HASH(CKY-I | CKY-R | IP | Port) with the negotiated hash (RFC 3947, 3.2)."""
    name = hash_name_of(sa.agreed_proposal)
    return digest(name, sa.cookies, host.address.packed, host.port.to_bytes(2, "big"))
