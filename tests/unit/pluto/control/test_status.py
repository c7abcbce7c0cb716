"""pluto's two formats of status, from pictures and a table."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from cygnet.base.addresses import Host
from cygnet.base.selectors import TrafficSelector
from cygnet.ctl.whack import AddConnection, End, Policy, Status
from cygnet.kernel.port import Mode, Usage
from cygnet.keying.config.pools import Pool
from cygnet.keying.sa.routed import Routed
from cygnet.pluto.backends.connections import Connection, Connections
from cygnet.pluto.control.daemon_verbs import DaemonState
from cygnet.pluto.control.status import Facts, StatusHandler
from cygnet.pluto.control.view import View
from cygnet.pluto.jobs.core import ChildPicture, Picture

NOW = 1000.0
LIFE = "ike_life: 10800s; ipsec_life: 3600s; rekey_margin: 540s; rekey_fuzz: 100%; keyingtries: 3"
POLICY = Policy.PSK | Policy.ENCRYPT | Policy.TUNNEL | Policy.PFS | Policy.UP
NET = AddConnection(
    "net",
    End("192.0.2.1", nexthop="192.0.2.254", id="@moon", client="10.1.0.0/16", ca="C=CH, CN=ca"),
    End("192.0.2.2", ikeport=501, id="@sun", client="10.2.0.0/24", groups="a,b"),
    int(POLICY),
    dpd_action="hold",
)
RW = AddConnection(
    "rw", End("192.0.2.1", protocol=17, from_port=1701, to_port=1701),
    End("%any", client="10.0.0.0/8", client_within=True),
    int(Policy.PUBKEY | Policy.AUTHENTICATE | Policy.AGGRESSIVE), failure="drop", either_version=True,
)  # fmt: skip
CHILD = ChildPicture(
    12, "net", "STATE_QUICK_I2", "sent QI2, IPsec SA established", "INSTALLED", "TUNNEL", "ESP", 1,
    0xC1234567, 0xC7654321, "10.1.0.0/16", "10.2.0.0/24", "AES_CBC_128/HMAC_SHA1_96/MODP_2048",
    cpis=(0x1111, 0x2222), usage_in=Usage(84, 1, 3.5), event="EVENT_SA_REPLACE", event_at=1060.0,
)  # fmt: skip
SA = Picture(
    11, "net", 0, "STATE_MAIN_I4", "ISAKMP SA established", "ESTABLISHED", True,
    Host.of("192.0.2.1", 500), Host.of("192.0.2.2", 501), "moon", "sun", (b"A" * 8, b"B" * 8),
    "AES_CBC_128/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_2048", "pre-shared key", established_at=940.0,
    reauth_at=1600.0, event="EVENT_SA_REPLACE", event_at=1300.0, dpd=True, children=(CHILD,),
)  # fmt: skip
HALF = Picture(
    13, "rw", 1, "STATE_MAIN_R1", "sent MR1, expecting MI2", "CONNECTING", False,
    Host.of("192.0.2.1", 500), Host.of("198.51.100.7", 500), event="EVENT_RETRANSMIT", event_at=990.0,
)  # fmt: skip


TRAP = Routed(
    "rw", 3, 1 << 24, Mode.TRANSPORT, (TrafficSelector.of("192.0.2.1/32", 17, (1701, 1701)),),
    (TrafficSelector.of("10.0.0.0/8"),),
)  # fmt: skip


class Lines:
    """A reply that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, code: int, text: str) -> None:
        assert code == 0
        self.lines.append(text)

    def check(self) -> None:
        raise AssertionError


def shown(
    request: Status, *pictures: Picture, counters: dict[str, int] | None = None,
    pools: tuple[Pool, ...] = (), listening: bool = True,
) -> list[str]:  # fmt: skip
    address = ip_address("192.0.2.1")
    table = Connections(lambda: [address])
    table.add(NET)
    table.add(RW)
    table.instantiate("rw", "198.51.100.7", "@carol")
    facts = Facts(
        (500, 4500), lambda: [address], lambda one: "eth0", ("pluto", "whack"), lambda: counters or {},
        lambda: NOW,
    )  # fmt: skip
    banner = "Status of IKEv1 pluto daemon (Cygnet):"
    view = View(lambda: NOW, banner, 900.0, 0.0, lambda: (TRAP,), lambda: pools)
    handler = StatusHandler(table, lambda: pictures, DaemonState(listening=listening), facts, view)
    reply = Lines()
    handler(request, reply)
    return reply.lines


def test_statusall_in_plutos_format() -> None:
    lines = shown(Status(all=True), SA, HALF, counters={"ike deaf": 2, "net too short": 1})
    assert lines[1:] == [
        "interface eth0/eth0 192.0.2.1:500",
        "interface eth0/eth0 192.0.2.1:4500",
        "%myid = (none)",
        "loaded plugins: pluto whack",
        "debug options: none",
        "dropped datagrams: deaf 2",
        "",
        '"net": 10.1.0.0/16===192.0.2.1[@moon]---192.0.2.254...192.0.2.2:501[@sun]===10.2.0.0/24; '
        "erouted; eroute owner: #12",
        '"net":   CAs: "C=CH, CN=ca"...%any',
        '"net":   groups: a, b',
        f'"net":   {LIFE}',
        '"net":   dpd_action: hold; dpd_delay: 30s; dpd_timeout: 150s;',
        '"net":   policy: PSK+ENCRYPT+TUNNEL+PFS+UP; prio: 16,24; interface: eth0;',
        '"net":   newest ISAKMP SA: #11; newest IPsec SA: #12;',
        '"net":   IKE proposal: AES_CBC_128/HMAC_SHA1/MODP_2048 ; '
        "ESP proposal: AES_CBC_128/HMAC_SHA1/<Phase1>",
        '"rw": 192.0.2.1[192.0.2.1]:17/1701...%any[%any]==={10.0.0.0/8}; '
        "prospective erouted; eroute owner: #0",
        f'"rw":   {LIFE}',
        '"rw":   policy: PUBKEY+AUTHENTICATE+AGGRESSIVE+failure-DROP; prio: 32,8; interface: eth0;',
        '"rw":   newest ISAKMP SA: #0; newest IPsec SA: #0;',
        '"rw"[1]: 192.0.2.1[192.0.2.1]:17/1701...198.51.100.7[@carol]==={10.0.0.0/8}; '
        "unrouted; eroute owner: #0",
        f'"rw"[1]:   {LIFE}',
        '"rw"[1]:   policy: PUBKEY+AUTHENTICATE+AGGRESSIVE+failure-DROP; prio: 32,8; interface: eth0;',
        '"rw"[1]:   newest ISAKMP SA: #0; newest IPsec SA: #0;',
        "",
        '#11: "net" STATE_MAIN_I4 (ISAKMP SA established); EVENT_SA_REPLACE in 300s; newest ISAKMP; '
        "DPD active",
        '#12: "net" STATE_QUICK_I2 (sent QI2, IPsec SA established); EVENT_SA_REPLACE in 60s; newest IPSEC; '
        "eroute owner",
        '#12: "net" esp.c7654321@192.0.2.2 (0 bytes) esp.c1234567@192.0.2.1 (84 bytes, 3s ago) '
        "comp.2222@192.0.2.2 comp.1111@192.0.2.1; tunnel",
        '#13: "rw"[1] STATE_MAIN_R1 (sent MR1, expecting MI2); EVENT_RETRANSMIT in 0s',
    ]


def test_status_has_the_header_of_statusall_only_where_pluto_is_deaf() -> None:
    lines = shown(Status(), SA, HALF)
    assert lines[0].startswith('"net": ')
    assert not any(" proposal: " in line or "%myid" in line for line in lines)
    assert shown(Status(), SA, HALF, listening=False)[0] == "not listening for IKE messages (whack --listen)"


def test_statusall_counts_the_addresses_of_pools() -> None:
    lines = shown(Status(all=True), pools=(Pool("10.9.0.0/28", 14, 1, 2),))
    assert lines[lines.index("Virtual IP pools (size/online/offline):") + 1] == '"10.9.0.0/28": 14/1/2'


def test_status_of_one_connection_is_only_about_it() -> None:
    lines = shown(Status("rw[1]"), SA, HALF)
    assert lines[0].startswith('"rw"[1]: ') and lines[-1].startswith("#13: ")
    assert len(lines) == 4


def test_view_has_strongswan_6s_format() -> None:
    xauth = replace(SA, xauth_user="carol", children=(replace(CHILD, udp=True),))
    lines = shown(Status(all=True, suite=True), xauth, HALF)
    assert lines[2:] == [
        "Connections:",
        "         net:  192.0.2.1...192.0.2.2  IKEv1, dpddelay=30s",
        "         net:   local:  [@moon] uses pre-shared key authentication",
        "         net:   remote: [@sun] uses pre-shared key authentication",
        "         net:   child:  10.1.0.0/16 === 10.2.0.0/24 TUNNEL, dpdaction=hold",
        "          rw:  192.0.2.1...%any  IKEv1/2 Aggressive",
        "          rw:   local:  [192.0.2.1] uses public key authentication",
        "          rw:   remote: uses public key authentication",
        "          rw:   child:  dynamic === 10.0.0.0/8 TRANSPORT",
        "Routed Connections:",
        "          rw{3}:  ROUTED, TRANSPORT, reqid 16777216",
        "          rw{3}:   192.0.2.1/32[udp/l2f] === 10.0.0.0/8",
        "Security Associations (1 up, 1 connecting):",
        "          rw[13]: CONNECTING, 192.0.2.1[%any]...198.51.100.7[%any]",
        "          rw[13]: IKEv1 SPIs: 0000000000000000_i 0000000000000000_r*",
        "         net[11]: ESTABLISHED 60 seconds ago, 192.0.2.1[moon]...192.0.2.2[sun]",
        "         net[11]: Remote XAuth identity: carol",
        "         net[11]: IKEv1 SPIs: 4141414141414141_i* 4242424242424242_r, "
        "pre-shared key reauthentication in 10 minutes",
        "         net[11]: IKE proposal: AES_CBC_128/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_2048",
        "         net{12}:  INSTALLED, TUNNEL, reqid 1, ESP in UDP SPIs: c1234567_i c7654321_o, "
        "IPCOMP CPIs: 1111_i 2222_o",
        "         net{12}:  AES_CBC_128/HMAC_SHA1_96/MODP_2048, 84 bytes_i (1 pkt, 3s ago), 0 bytes_o, "
        "rekeying in 60 seconds",
        "         net{12}:   10.1.0.0/16 === 10.2.0.0/24",
    ]


@pytest.mark.parametrize(("name", "last"), [("", "  none"), ("net", "  no match")])
def test_view_without_sas(name: str, last: str) -> None:
    lines = shown(Status(name, suite=True))
    assert lines[-2:] == ["Security Associations (0 up, 0 connecting):", last]


def test_child_that_was_replaced_shows_when_it_ends() -> None:
    old = replace(SA, children=(replace(CHILD, life="REKEYED", expire_at=1030.0),))
    lines = shown(Status(suite=True), old)
    assert "         net{12}:  REKEYED, TUNNEL, reqid 1, expires in 30 seconds" in lines


def test_view_shows_who_is_asked_for_a_user() -> None:
    left, right = End("192.0.2.1", auth="pubkey"), End("%any", auth="psk", auth2="xauth")
    message = AddConnection("net", left, right, int(Policy.XAUTHPSK | Policy.TUNNEL), xauth_identity="carol")
    pool = Pool("10.3.0.0/24", 254, 1, 2)
    view = View(lambda: NOW, "banner", 900.0, 0.0, pools=lambda: [pool])
    lines = list(view.lines(Status(all=True), [Connection(message, left, right)], []))
    assert lines[2:4] == ["Virtual IP pools (size/online/offline):", "  10.3.0.0/24: 254/1/2"]
    assert lines[6:9] == [
        "         net:   local:  [192.0.2.1] uses pre-shared key authentication",
        "         net:   remote: uses pre-shared key authentication",
        "         net:   remote: uses XAuth authentication: any with XAuth identity 'carol'",
    ]
    hybrid = replace(message, right=replace(right, auth="xauth", auth2=""), policy=int(Policy.XAUTHRSASIG))
    lines = list(view.lines(Status(all=True), [Connection(hybrid, hybrid.left, hybrid.right)], []))
    assert [line.split(":", 2)[1].strip() + line.split(":", 2)[2] for line in lines[6:8]] == [
        "local  [192.0.2.1] uses public key authentication",
        "remote uses XAuth authentication: any with XAuth identity 'carol'",
    ]
