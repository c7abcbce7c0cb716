"""What happens when phase 1 is over: XAUTH if it belongs to it, then the ISAKMP SA may be used."""

from cygnet.base.groups import Group
from cygnet.pluto.sa import lifetimes
from cygnet.pluto.sa.association import Association
from cygnet.pluto.sa.events import IkeEstablished
from cygnet.pluto.sa.keymat import first_iv
from cygnet.pluto.sa.states import IkeState
from cygnet.pluto.sa.timers import DeadPeer, XauthDue
from cygnet.pluto.sa.transitions import Step
from cygnet.pluto.sa.transport import publics


def phase1_done(step: Step) -> None:
    """Main or aggressive mode is over; with XAUTH somebody has to prove himself first."""
    sa = step.sa
    if not sa.last_block:  # aggressive mode whose third message was not encrypted
        sa.last_block = first_iv(sa.established_keys, publics(sa))
    if sa.agreed_method.xauth is None:
        establish(sa)
        return
    sa.authenticating = True
    sa.schedule(sa.ports.settings.xauth_timeout_s, XauthDue())


def establish(sa: Association) -> None:
    """The peer is authenticated."""
    config = sa.peer_config
    if sa.local_id is None or sa.remote_id is None:
        raise RuntimeError("identities are not known")
    contact = sa.handshake is not None and sa.handshake.initial_contact
    sa.authenticating = False
    sa.times.established = sa.times.received = sa.now
    sa.log(Group.IKE, f"IKE_SA {sa} established between {sa.between}")
    sa.move_to(IkeState.ESTABLISHED)
    sa.announce(
        IkeEstablished(
            sa.unique_id, config, sa.local, sa.remote, sa.local_id, sa.remote_id, sa.initiator, contact,
            sa.replaces,
        )
    )  # fmt: skip
    lifetimes.schedule_ike(sa)
    if config.dpd_delay_s:
        sa.schedule(config.dpd_delay_s, DeadPeer())
    sa.configured = not (config.virtual_ips or (config.pools and config.push))
    sa.handshake = None
    if sa.configured:
        ready(sa)
    elif config.push:
        sa.schedule(sa.ports.settings.xauth_timeout_s, XauthDue())


def ready(sa: Association) -> None:
    """Nothing is in the way of IPsec SAs any more."""
    sa.configured = True
    tickets, sa.tickets = sa.tickets, []
    for ticket in tickets:
        sa.finish(ticket, True)
