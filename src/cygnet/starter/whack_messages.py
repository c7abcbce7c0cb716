"""Records of ``ipsec.conf`` to messages for pluto."""

from cygnet.base.alike import same_fields
from cygnet.conf import records
from cygnet.conf.records import Authority, Connection, Setup
from cygnet.ctl.whack import AddAuthority, AddConnection, End, Policy, names_group
from cygnet.starter.messages import FIREWALL, SHUNTS

_METHODS = {"xauthpsk": Policy.XAUTHPSK, "xauthrsasig": Policy.XAUTHRSASIG}
_TUNNELS = {"tunnel": Policy.TUNNEL, "beet": Policy.BEET}


def is_loadable(connection: Connection) -> bool:
    """Whether pluto is to know the connection: for IKEv1, or as a responder for either version.

    One that requires a PPK would admit with IKEv1 whoever has none.
    """
    if connection.ppk_required:
        return False
    if connection.auto == "ignore" or connection.unsupported or connection.type in SHUNTS:
        return False
    return connection.keyexchange in ("ikev1", "ike")


def add_connection(connection: Connection, setup: Setup) -> AddConnection:
    """The message that loads ``connection``; both ends as written, for pluto to see which is local."""
    one = connection
    return AddConnection(
        **same_fields(one, AddConnection)
        | {
            "left": _end(one.left),
            "right": _end(one.right),
            "policy": int(policy(one)),
            "either_version": not one.is_of_ikev1,
            "ipsec_lifetime_s": one.lifetime_s,
            "fuzz_percent": one.rekey_fuzz_percent,
            "unique": setup.uniqueids,
            "crl_policy": setup.strictcrlpolicy,
        }
    )


def policy(connection: Connection) -> Policy:
    """What the connection does, as pluto's bits; the ends' own ``auth`` has the details."""
    one = connection
    found = _methods(one) | _TUNNELS.get(one.type, Policy(0))
    found |= Policy.AUTHENTICATE if one.ah is not None else Policy.ENCRYPT
    flags = {
        Policy.COMPRESS: one.compress,
        Policy.PFS: names_group(one.ah or one.esp or ""),
        Policy.DONTREKEY: not one.rekey,
        Policy.DONTREAUTH: not one.reauth,
        Policy.UP: one.auto == "start",
        Policy.MODECFGPUSH: one.modeconfig == "push",
        Policy.XAUTHSERVER: one.xauth == "server",
        Policy.AGGRESSIVE: one.aggressive,
    }
    for bit, is_set in flags.items():
        found |= bit if is_set else Policy(0)
    return found


def add_authority(authority: Authority) -> AddAuthority:
    """The message that loads a ``ca`` section."""
    return AddAuthority(**same_fields(authority, AddAuthority))


def _methods(connection: Connection) -> Policy:
    """By ``leftauth`` and ``rightauth``: XAUTH where either has a second round of it."""
    ends = (connection.left, connection.right)
    if connection.authby in ("xauthpsk", "xauthrsasig"):
        return _METHODS[connection.authby]
    secret = any(end.auth == "psk" for end in ends)
    if any((end.auth2 or end.auth).startswith("xauth") for end in ends):
        return Policy.XAUTHPSK if secret else Policy.XAUTHRSASIG
    return Policy.PSK if secret else Policy.PUBKEY


def _end(end: records.End) -> End:
    return End(
        **same_fields(end, End)
        | {
            "host": ",".join(end.hosts),
            "ikeport": end.ike_port,
            "cert": ",".join(end.certs),
            "sendcert": end.send_cert,
            "client": ",".join(end.subnets),
            "srcip": ",".join(end.source_ips),
            "updown": end.updown or (FIREWALL if end.firewall else ""),
            "hostaccess": end.host_access,
        }
    )
