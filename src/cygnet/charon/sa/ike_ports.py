"""From port 500 to port 4500 (RFC 7296, 2.23; RFC 4555, 3.3), under ``leftikeport`` and ``rightikeport``."""

from cygnet.base.addresses import Host
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.errors import NotPossibleError
from cygnet.keying.config.records import PeerConfig
from cygnet.keying.config.settings import DaemonSettings

IKE_PORT, NAT_T_PORT = 500, 4500


def float_ports(sa: Association) -> None:
    """Go on between the NAT-T ports, where ESP in UDP can follow.

    Needed where there is a NAT. A host that may move does it too, so that a NAT may come later. Ports that
    are configured stay if they can: a remote one unless we come from our IKE port to a peer behind NATs,
    when only 4500 can be its NAT-T port.
    """
    settings, must = sa.ports.settings, sa.nat.any
    from_ike_port = sa.local.port == settings.port
    to_ike_port = sa.remote.port == IKE_PORT
    mobile = sa.config is not None and sa.config.mobike
    if not must and not (mobile and from_ike_port and to_ike_port):
        return
    if to_ike_port or from_ike_port:
        sa.remote = sa.remote.with_port(NAT_T_PORT)
    if from_ike_port:
        sa.local = sa.local.with_port(settings.port_nat_t)


def first_local_port(config: PeerConfig, remote: Host, settings: DaemonSettings) -> int:
    """The port to begin from; raises :class:`NotPossibleError` for a ``leftikeport`` that we do not have.

    500 stands for charon's own. The NAT-T port of a peer (``rightikeport=4500``) takes messages with the
    marker of RFC 3948 only, which go out from our NAT-T port.
    """
    wanted, ours = config.ike.local.port, (settings.port, settings.port_nat_t)
    if wanted in (0, IKE_PORT):
        return settings.port_nat_t if remote.port == NAT_T_PORT else settings.port
    if wanted not in ours:
        text = f"leftikeport={wanted}, but charon listens on {ours[0]} and {ours[1]} only"
        raise NotPossibleError(f"{text} (charon.port, charon.port_nat_t in strongswan.conf)")
    return wanted
