"""Records of ``ipsec.conf`` to messages for charon."""

import shlex
import sys

from cygnet.base.alike import same_fields
from cygnet.conf import records
from cygnet.conf.records import Authority, Connection, Setup
from cygnet.ctl.stroke import AddAuthority, AddConnection, End

SHUNTS = ("pass", "drop", "reject")
"""Types of connections for which nothing is negotiated: charon has them, whatever their version."""
FIREWALL = f"{shlex.quote(sys.executable)} -P -m cygnet.ipsec _updown iptables"
"""What ``leftfirewall=yes`` runs: ``ipsec _updown``, whatever ``ipsec`` the path leads to."""
_VERSIONS = {"ike": 0, "ikev1": 1, "ikev2": 2}


def is_loadable(connection: Connection) -> bool:
    """Whether charon is to know the connection at all."""
    if connection.auto == "ignore" or connection.unsupported:
        return False
    return not connection.is_of_ikev1 or connection.type in SHUNTS


def add_connection(connection: Connection, setup: Setup) -> AddConnection:
    """The message that loads ``connection``; both ends as written, for charon to see which is local."""
    one = connection
    return AddConnection(
        **same_fields(one, AddConnection)
        | {
            "left": _end(one.left),
            "right": _end(one.right),
            "version": _VERSIONS[one.keyexchange],
            "mode": one.type,
            "pushmode": one.modeconfig == "push",
            "fuzz_percent": one.rekey_fuzz_percent,
            "unique": setup.uniqueids,
            "crl_policy": setup.strictcrlpolicy,
            "cache_crls": setup.cachecrls,
        }
    )


def add_authority(authority: Authority) -> AddAuthority:
    """The message that loads a ``ca`` section."""
    return AddAuthority(**same_fields(authority, AddAuthority))


def _end(end: records.End) -> End:
    return End(
        **same_fields(end, End)
        | {
            "address": ",".join(end.hosts),
            "ikeport": end.ike_port,
            "cert": ",".join(end.certs),
            "cert2": ",".join(end.certs2),
            "cert_policy": ",".join(end.cert_policies),
            "sendcert": end.send_cert,
            "sourceip": ",".join(end.source_ips),
            "updown": end.updown or (FIREWALL if end.firewall else ""),
            "hostaccess": end.host_access,
        }
    )
