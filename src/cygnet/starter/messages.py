"""Records of ``ipsec.conf`` to messages for charon."""

import shlex
import sys

from cygnet.conf import records
from cygnet.conf.records import Authority, Connection, Setup
from cygnet.ctl.stroke import AddAuthority, AddConnection, End

FIREWALL = f"{shlex.quote(sys.executable)} -P -m cygnet.ipsec _updown iptables"
"""What ``leftfirewall=yes`` runs: ``ipsec _updown``, whatever ``ipsec`` the path leads to."""
SHUNTS = ("pass", "drop", "reject")
"""Types of connections for which nothing is negotiated: charon has them, whatever their version."""
_VERSIONS = {"ike": 0, "ikev1": 1, "ikev2": 2}


def is_loadable(connection: Connection) -> bool:
    """Whether charon is to know the connection at all."""
    if connection.auto == "ignore" or connection.unsupported:
        return False
    return connection.keyexchange != "ikev1" or connection.type in SHUNTS


def add_connection(connection: Connection, setup: Setup) -> AddConnection:
    """The message that loads ``connection``; both ends as written, for charon to see which is local."""
    one = connection
    return AddConnection(
        name=one.name,
        left=_end(one.left),
        right=_end(one.right),
        version=_VERSIONS[one.keyexchange],
        mode=one.type,
        authby=one.authby,
        eap_identity=one.eap_identity or "",
        aaa_identity=one.aaa_identity or "",
        xauth_identity=one.xauth_identity or "",
        aggressive=one.aggressive,
        pushmode=one.modeconfig == "push",
        mobike=one.mobike,
        force_encaps=one.force_encaps,
        fragmentation=one.fragmentation,
        compress=one.compress,
        install_policy=one.install_policy,
        ike=one.ike or "",
        esp=one.esp or "",
        ah=one.ah or "",
        ike_lifetime_s=one.ike_lifetime_s,
        lifetime_s=one.lifetime_s,
        margin_s=one.margin_s,
        life_bytes=one.life_bytes,
        margin_bytes=one.margin_bytes,
        life_packets=one.life_packets,
        margin_packets=one.margin_packets,
        fuzz_percent=one.rekey_fuzz_percent,
        rekey=one.rekey,
        reauth=one.reauth,
        childless=one.childless,
        keying_tries=one.keying_tries,
        unique=setup.uniqueids,
        crl_policy=setup.strictcrlpolicy,
        cache_crls=setup.cachecrls,
        dpd_delay_s=one.dpd_delay_s,
        dpd_timeout_s=one.dpd_timeout_s,
        dpd_action=one.dpd_action,
        close_action=one.close_action,
        inactivity_s=one.inactivity_s,
        reqid=one.reqid,
        replay_window=one.replay_window,
        tfc=one.tfc,
        ikedscp=one.ikedscp,
        sha256_96=one.sha256_96,
        mark_in=one.mark_in or "",
        mark_out=one.mark_out or "",
        set_mark_in=one.set_mark_in or "",
        set_mark_out=one.set_mark_out or "",
        if_id_in=one.if_id_in,
        if_id_out=one.if_id_out,
        hw_offload=one.hw_offload,
        interface=one.interface,
        mediation=one.mediation,
        mediated_by=one.mediated_by or "",
        me_peerid=one.me_peerid or "",
    )


def add_authority(authority: Authority) -> AddAuthority:
    """The message that loads a ``ca`` section."""
    return AddAuthority(
        name=authority.name,
        cacert=authority.cacert or "",
        crluri=authority.crluri or "",
        crluri2=authority.crluri2 or "",
        ocspuri=authority.ocspuri or "",
        ocspuri2=authority.ocspuri2 or "",
        certuribase=authority.certuribase or "",
    )


def _end(end: records.End) -> End:
    return End(
        address=",".join(end.hosts),
        ikeport=end.ike_port,
        allow_any=end.allow_any,
        auth=end.auth,
        auth2=end.auth2 or "",
        id=end.id or "",
        id2=end.id2 or "",
        sigkey=end.sigkey or "",
        cert=",".join(end.certs),
        cert2=",".join(end.certs2),
        ca=end.ca or "",
        ca2=end.ca2 or "",
        groups=",".join(end.groups),
        groups2=",".join(end.groups2),
        cert_policy=",".join(end.cert_policies),
        sendcert=end.send_cert,
        subnets=",".join(end.subnets),
        protocol=end.protocol,
        from_port=end.from_port,
        to_port=end.to_port,
        sourceip=",".join(end.source_ips),
        dns=",".join(end.dns),
        updown=end.updown or (FIREWALL if end.firewall else ""),
        hostaccess=end.host_access,
    )
