"""``status`` and ``statusall``, compared with the formats measured on strongSwan 6.0.6."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address

import pytest

from cygnet.base.addresses import Host
from cygnet.base.identities import Identity
from cygnet.base.selectors import TrafficSelector
from cygnet.charon.control.ports import Figures, Plugin
from cygnet.charon.control.status import StatusHandler
from cygnet.charon.sa.snapshot import IkeSnapshot
from cygnet.ctl.stroke import Done, Status
from cygnet.eap.packets import MSCHAPV2
from cygnet.kernel.port import DropCount, IpProtocol, KernelError, Mode, SaId, Usage
from cygnet.keying.config.pools import Lease, Pool
from cygnet.keying.config.records import (
    Action,
    AddressSpec,
    AuthClass,
    AuthConfig,
    ChildConfig,
    IkeConfig,
    PeerConfig,
)
from cygnet.keying.config.resolvers import EncryptedResolver
from cygnet.keying.sa.child_snapshot import ChildSnapshot
from cygnet.keying.sa.routed import Routed

NOW = 1000.0
A, B = ip_address("192.0.2.1"), ip_address("192.0.2.2")
NET_A, NET_B = TrafficSelector.of("10.1.0.0/16"), TrafficSelector.of("10.2.0.0/16")
INBOUND, OUTBOUND = SaId(B, A, IpProtocol.ESP, 0xC8E57AF0), SaId(A, B, IpProtocol.ESP, 0x0D2F72)
CHILD = ChildSnapshot(
    "net-net", 1, "INSTALLED", Mode.TUNNEL, 1, "ESP", False, INBOUND, OUTBOUND, "AES_GCM_16_128",
    (NET_A,), (NET_B,), NOW - 10, rekey_at=NOW + 44 * 60, expire_at=NOW + 3600,
)  # fmt: skip
SA = IkeSnapshot(
    "net-net", 1, "ESTABLISHED", True, Host(A, 500), Host(B, 500), Identity.parse("@A.lab"),
    Identity.parse("@B.lab"), bytes.fromhex("e5772c0f5d96fccc"), bytes.fromhex("c51ee963c06521d7"),
    "AES_GCM_16_128/PRF_HMAC_SHA2_256/CURVE_25519", NOW - 10, None, NOW + 7300,
    "pre-shared key authentication", children=(CHILD,),
)  # fmt: skip
PEER = PeerConfig(
    "net-net",
    IkeConfig(AddressSpec(("192.0.2.1",)), AddressSpec()),
    (AuthConfig(AuthClass.PSK, Identity.parse("@A.lab")),),
    (AuthConfig(AuthClass.PUBKEY, Identity.parse("%any"), authorities=(Identity.parse("C=CH, O=Lab"),)),),
    (ChildConfig("net-net", (NET_A,), (TrafficSelector.of("dynamic"),), dpd_action=Action.TRAP),),
    dpd_delay_s=60,
)


def test_without_anything_there_are_no_associations() -> None:
    assert status(World()) == ["Security Associations (0 up, 0 connecting):", "  none"]


def test_established_tunnel_is_shown_as_strongswan_shows_it() -> None:
    assert status(World(sas=[SA])) == [
        "Security Associations (1 up, 0 connecting):",
        "     net-net[1]: ESTABLISHED 10 seconds ago, 192.0.2.1[A.lab]...192.0.2.2[B.lab]",
        "     net-net{1}:  INSTALLED, TUNNEL, reqid 1, ESP SPIs: c8e57af0_i 000d2f72_o",
        "     net-net{1}:   10.1.0.0/16 === 10.2.0.0/16",
    ]


def test_udp_encapsulation_is_said() -> None:
    lines = status(World(sas=[replace(SA, children=(replace(CHILD, udp=True),))]))
    assert "     net-net{1}:  INSTALLED, TUNNEL, reqid 1, ESP in UDP SPIs: c8e57af0_i 000d2f72_o" in lines


def test_user_of_eap_is_shown_in_all_detail_only() -> None:
    sas = [replace(SA, remote_eap_id=Identity.parse("carol"), children=())]
    assert "     net-net[1]: Remote EAP identity: carol" in status(World(sas=sas), Status(all=True))
    assert not any("carol" in line for line in status(World(sas=sas)))


def test_ppk_and_encrypted_resolvers_are_shown_in_all_detail() -> None:
    resolver = EncryptedResolver("dns.lab", (ip_address("10.2.0.53"),))
    lines = status(World(sas=[replace(SA, ppk="ppk.lab", encrypted_dns=(resolver,))]), Status(all=True))
    assert any("IKE proposal: " in line and line.endswith("/PPK") for line in lines)
    assert "     net-net[1]: Encrypted DNS: dns.lab 10.2.0.53 alpn=dot priority=1" in lines


@pytest.mark.parametrize(
    ("auth", "text"),
    [
        (AuthConfig(AuthClass.EAP, eap_methods=(MSCHAPV2,), eap_identity=Identity.parse("%any")),
         "uses EAP_MSCHAPV2 authentication with EAP identity '%any'"),
        (AuthConfig(AuthClass.EAP), "uses EAP authentication"),
    ],
)  # fmt: skip
def test_statusall_names_the_method_of_eap(auth: AuthConfig, text: str) -> None:
    lines = status(World(peers=[replace(PEER, remote=(auth,))]), Status(all=True))
    assert f"     net-net:   remote: {text}" in lines


def test_connecting_peer_has_neither_age_nor_identity() -> None:
    begun = replace(SA, state="CONNECTING", established_at=None, remote_id=None, children=())
    assert status(World(sas=[begun])) == [
        "Security Associations (0 up, 1 connecting):",
        "     net-net[1]: CONNECTING, 192.0.2.1[A.lab]...192.0.2.2[%any]",
    ]


@pytest.mark.parametrize("state", ["REKEYING", "REKEYED"])
def test_child_being_replaced_shows_when_it_expires(state: str) -> None:
    lines = status(World(sas=[replace(SA, children=(replace(CHILD, state=state),))]))
    assert lines[2] == f"     net-net{{1}}:  {state}, TUNNEL, reqid 1, expires in 60 minutes"


def test_child_without_kernel_state_shows_its_state_only() -> None:
    lines = status(World(sas=[replace(SA, children=(replace(CHILD, state="INSTALLING"),))]))
    assert lines[2] == "     net-net{1}:  INSTALLING, TUNNEL, reqid 1"


def test_newest_sa_comes_first() -> None:
    lines = status(World(sas=[SA, replace(SA, unique_id=7, children=())]))
    assert [re.findall(r"\[\d\]", line)[:1] for line in lines[1:3]] == [["[7]"], ["[1]"]]


def test_name_of_a_child_shows_its_ike_sa_without_other_children() -> None:
    other = replace(CHILD, name="other", unique_id=2)
    lines = status(World(sas=[replace(SA, children=(CHILD, other))]), Status("other"))
    assert [line.split(":")[0].strip() for line in lines[1:]] == ["net-net[1]", "other{2}", "other{2}"]


def test_name_without_match_is_said() -> None:
    world = World(sas=[SA])
    done = Done(4, "no config named 'nobody'")
    assert status(world, Status("nobody"), done)[1:] == ["  no match"]


def test_name_of_a_connection_that_is_not_up_is_no_failure() -> None:
    for name in (PEER.name, PEER.children[0].name):
        assert status(World(peers=[PEER]), Status(name))[1:] == ["  no match"]


def test_long_names_are_not_cut() -> None:
    line = status(World(sas=[replace(SA, name="a-very-long-connection-name", children=())]))[1]
    assert line.startswith("a-very-long-connection-name[1]: ESTABLISHED")


def test_policies_stand_before_the_associations() -> None:
    routed = [
        Routed("net", 1, 1, Mode.TUNNEL, (NET_A,), (NET_B, TrafficSelector.of("10.4.0.0/16"))),
        Routed("pass", 0, 0, Mode.PASS, (NET_A,), (NET_A,)),
    ]
    assert status(World(routed=routed))[:5] == [
        "Shunted Connections:",
        "        pass:  10.1.0.0/16 === 10.1.0.0/16 PASS",
        "Routed Connections:",
        "         net{1}:  ROUTED, TUNNEL, reqid 1",
        "         net{1}:   10.1.0.0/16 === 10.2.0.0/16 10.4.0.0/16",
    ]


def test_statusall_shows_the_details_of_an_ike_sa() -> None:
    lines = status(World(sas=[SA]), Status(all=True))
    spis = "IKEv2 SPIs: e5772c0f5d96fccc_i* c51ee963c06521d7_r"
    assert f"     net-net[1]: {spis}, pre-shared key reauthentication in 2 hours" in lines
    assert "     net-net[1]: IKE proposal: AES_GCM_16_128/PRF_HMAC_SHA2_256/CURVE_25519" in lines


def test_statusall_of_a_responder_marks_its_own_spi_and_says_that_nothing_is_renewed() -> None:
    lines = status(World(sas=[replace(SA, initiator=False, reauth_at=None)]), Status(all=True))
    spis = "e5772c0f5d96fccc_i c51ee963c06521d7_r*"
    assert f"     net-net[1]: IKEv2 SPIs: {spis}, rekeying disabled" in lines


def test_statusall_tells_what_was_dropped_and_why() -> None:
    inbound = Usage(840, 10, 3.5, (DropCount("replayed", 2), DropCount("not authentic", 1)))
    world = World(sas=[SA], usages={CHILD.inbound: inbound}, drops=(DropCount("unknown SPI", 7),))
    lines = status(world, Status(all=True))
    assert "  dropped packets: 7 unknown SPI" in lines
    assert "     net-net{1}:  dropped_i: 2 replayed, 1 not authentic" in lines
    assert not any("dropped_o" in line for line in lines)
    assert not any("dropped" in line for line in status(world))


def test_statusall_without_a_data_plane_is_silent_about_drops() -> None:
    assert not any("dropped" in line for line in status(World(sas=[SA], broken=True), Status(all=True)))


def test_statusall_of_a_rekeying_sa_names_its_tasks() -> None:
    busy = replace(SA, tasks_queued=("IKE_MOBIKE",), tasks_active=("IKE_DPD",))
    lines = status(World(sas=[replace(busy, rekey_at=NOW + 300, reauth_at=None)]), Status(all=True))
    assert any(line.endswith(", rekeying in 5 minutes") for line in lines)
    assert "     net-net[1]: Tasks queued: IKE_MOBIKE " in lines
    assert "     net-net[1]: Tasks active: IKE_DPD " in lines


def test_statusall_shows_what_a_child_has_carried() -> None:
    usages = {INBOUND: Usage(84, 1, 3.7), OUTBOUND: Usage(840, 10, 0)}
    lines = status(World(sas=[SA], usages=usages), Status(all=True))
    used = "84 bytes_i (1 pkt, 3s ago), 840 bytes_o (10 pkts, 0s ago)"
    assert f"     net-net{{1}}:  AES_GCM_16_128, {used}, rekeying in 44 minutes" in lines


@pytest.mark.parametrize(("rekey_at", "text"), [(None, "rekeying disabled"), (NOW - 1, "rekeying active")])
def test_statusall_says_how_a_child_is_renewed(rekey_at: float | None, text: str) -> None:
    lines = status(World(sas=[replace(SA, children=(replace(CHILD, rekey_at=rekey_at),))]), Status(all=True))
    assert f"     net-net{{1}}:  AES_GCM_16_128, 0 bytes_i, 0 bytes_o, {text}" in lines


def test_kernel_that_knows_nothing_of_an_sa_does_not_end_the_command() -> None:
    world = World(sas=[SA], usages={INBOUND: KernelError("gone")})
    assert any("0 bytes_i, 0 bytes_o" in line for line in status(world, Status(all=True)))


def test_statusall_begins_with_the_daemons_figures() -> None:
    lines = status(World(), Status(all=True))
    assert re.fullmatch(r"Status of IKE charon daemon \(Cygnet 0\.1\.0, Linux \S+, \S+\):", lines[0])
    assert re.fullmatch(r"  uptime: 2 seconds, since [A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d \d{4}", lines[1])
    assert lines[2:8] == [
        "  malloc: sbrk 4, mmap 3, used 2, free 1",
        "  worker threads: 7 of 16 idle, 5/0/4/0 working, job queue: 0/0/0/0, scheduled: 12",
        "  loaded plugins: charon openssl",
        "Listening IP addresses:",
        "  192.0.2.1",
        "Connections:",
    ]


def test_statusall_shows_the_pools_before_the_addresses() -> None:
    lines = status(World(pools=[Pool("10.3.0.0/24", 254, online=1, offline=2)]), Status(all=True))
    begin = lines.index("Virtual IP pools (size/online/offline):")
    assert lines[begin + 1 : begin + 3] == ["  10.3.0.0/24: 254/1/2", "Listening IP addresses:"]


def test_statusall_lists_connections() -> None:
    lines = status(World(peers=[PEER]), Status(all=True))
    begin = lines.index("Connections:")
    assert lines[begin + 1 : begin + 6] == [
        "     net-net:  192.0.2.1...%any  IKEv2, dpddelay=60s",
        "     net-net:   local:  [A.lab] uses pre-shared key authentication",
        "     net-net:   remote: uses public key authentication",
        '     net-net:    ca:    "C=CH, O=Lab"',
        "     net-net:   child:  10.1.0.0/16 === dynamic TUNNEL, dpdaction=trap",
    ]


def test_statusall_without_dpd_says_nothing_of_it() -> None:
    quiet = replace(PEER, dpd_delay_s=0, ike=replace(PEER.ike, version=0))
    lines = status(World(peers=[quiet]), Status(all=True))
    assert "     net-net:  192.0.2.1...%any  IKEv1/2" in lines
    assert "     net-net:   child:  10.1.0.0/16 === dynamic TUNNEL" in lines


def test_statusall_of_a_name_lists_only_its_connection() -> None:
    other = replace(PEER, name="other", children=())
    lines = status(World(peers=[PEER, other]), Status("other", all=True))
    assert not any("net-net" in line for line in lines)


@dataclass
class World:
    """Everything the handler asks."""

    sas: Sequence[IkeSnapshot] = ()
    peers: Sequence[PeerConfig] = ()
    routed: Sequence[Routed] = ()
    usages: dict[SaId, Usage | KernelError] = field(default_factory=dict)
    pools: Sequence[Pool] = ()
    drops: tuple[DropCount, ...] = ()
    broken: bool = False


class FakeDaemon:
    """Collaborators of the status handler over one :class:`World`."""

    def __init__(self, world: World) -> None:
        self.world = world

    def snapshots(self) -> Sequence[IkeSnapshot]:
        return self.world.sas

    def peers(self) -> Sequence[PeerConfig]:
        return self.world.peers

    def peer(self, name: str) -> PeerConfig | None:
        raise NotImplementedError

    def child(self, name: str) -> tuple[PeerConfig, ChildConfig] | None:
        raise NotImplementedError

    def install(self, peer: PeerConfig, child: ChildConfig) -> Routed:
        raise NotImplementedError

    def uninstall(self, name: str) -> Routed | None:
        raise NotImplementedError

    def installed(self) -> Sequence[Routed]:
        return self.world.routed

    def query_sa(self, id: SaId) -> Usage:
        usage = self.world.usages.get(id, Usage())
        if isinstance(usage, KernelError):
            raise usage
        return usage

    def drops(self) -> tuple[DropCount, ...]:
        if self.world.broken:
            raise KernelError("espd is not running")
        return self.world.drops

    def pools(self) -> Sequence[Pool]:
        return self.world.pools

    def leases(self, pool: str) -> Iterable[Lease]:
        raise NotImplementedError

    def figures(self) -> Figures:
        return Figures(
            version="0.1.0", uptime_s=2.9, started_at=1.7e9, threads=16, idle=7, working=(5, 0, 4, 0),
            scheduled=12, plugins=("charon", "openssl"), addresses=("192.0.2.1",), memory=(4, 3, 2, 1),
        )  # fmt: skip

    def plugins(self) -> Sequence[Plugin]:
        return ()


class Lines:
    """A reply that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def text(self, line: str) -> None:
        self.lines.append(line)

    def texts(self, lines: Iterable[str]) -> None:
        self.lines.extend(lines)

    def ask(self, prompt: str) -> str:
        return ""

    def check(self) -> None:
        pass


def status(world: World, request: Status = Status(), done: Done = Done()) -> list[str]:  # noqa: B008 - frozen
    daemon, reply = FakeDaemon(world), Lines()
    handler = StatusHandler(daemon, daemon, daemon, daemon, daemon, daemon, lambda: NOW)
    assert handler(request, reply) == done
    return reply.lines
