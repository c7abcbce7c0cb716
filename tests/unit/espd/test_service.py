"""What espd's clients may ask."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from cygnet.base.addresses import Host
from cygnet.base.secret import Secret
from cygnet.base.selectors import TrafficSelector
from cygnet.esp.plane import DataPlane
from cygnet.esp.records import Carriage, Drop, Moved
from cygnet.espd import translate, views
from cygnet.espd.service import DEFAULT_MTU, MAX_RESERVATIONS, RESERVATION_S, Service
from cygnet.kernel.backends.userland_wire import (
    PAGE,
    AcquireFailed,
    AddAddress,
    AddPolicy,
    AddSa,
    AllocateSpi,
    DeleteAddress,
    DeletePolicy,
    DeleteSa,
    Done,
    Hello,
    Inspect,
    Install,
    QuerySa,
    Remove,
    Spis,
    UpdateSa,
)
from cygnet.kernel.port import (
    Acquire,
    Algorithm,
    Compression,
    Direction,
    DropCount,
    Encapsulation,
    Expire,
    IpProtocol,
    KernelError,
    Lifetime,
    MappingChange,
    Mark,
    Mode,
    PolicySpec,
    SaId,
    SaSpec,
    Usage,
)

A, B = ip_address("192.0.2.1"), ip_address("192.0.2.2")
NEAR, FAR = TrafficSelector.of("10.1.0.0/16"), TrafficSelector.of("10.2.0.0/16")
OUT = SaSpec(SaId(A, B, IpProtocol.ESP, 0xC0000001), 1, Mode.TUNNEL, False,
             encryption=Algorithm(20, 128, Secret(bytes(20))), encapsulation=Encapsulation(4500, 4500),
             replay_window=64, local_ts=(NEAR,), remote_ts=(FAR,))
IN = replace(OUT, id=SaId(B, A, IpProtocol.ESP, 0xC0000002), inbound=True)
SIX = SaId(ip_address("::1"), ip_address("::2"), IpProtocol.ESP, 1)
POLICY = PolicySpec(Direction.OUT, NEAR, FAR, Mode.TUNNEL, 1, A, B)
PACKET = (bytes((0x45, 0, 0, 40, 0, 0, 0, 0, 64, 17, 0, 0)) + ip_address("10.1.0.1").packed
          + ip_address("10.2.0.1").packed + bytes(20))


class FakeHost:
    def __init__(self) -> None:
        self.mtus: dict[object, int] = {}
        self.families = {(4, True), (4, False)}
        self.routes: list[PolicySpec] = []
        self.addresses: list[tuple[str, str]] = []
        self.mtu = DEFAULT_MTU

    def path_mtu(self, destination):
        return self.mtus.get(destination, 1500)

    def can_send(self, family, udp):
        return (family, udp) in self.families

    def route_in(self, spec):
        self.routes.append(spec)

    def route_out(self, spec):
        self.routes.remove(spec)

    def address_in(self, address, device):
        self.addresses.append((str(address), device))

    def address_out(self, address, device):
        self.addresses.remove((str(address), device))

    def set_mtu(self, mtu):
        self.mtu = mtu

    def route_lines(self):
        return [str(spec.destination) for spec in self.routes]

    def lost(self):
        return {"No buffer space available": 3}


class Rig:
    def __init__(self) -> None:
        self.host = FakeHost()
        self.counter = 0
        self.plane = DataPlane(self.octets)
        self.service = Service(self.plane, self.host)

    def octets(self, size: int) -> bytes:
        self.counter += 1
        return (self.counter // 2).to_bytes(size, "big")

    def ask(self, request, owner="charon", now=0.0):
        return self.service.handle(request, owner, now)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_spis_are_in_charons_range_and_never_twice(rig):
    spis = [rig.ask(AllocateSpi(B, A, IpProtocol.ESP)).spis[0] for _ in range(20)]
    assert len(set(spis)) == 20
    assert all(0xC0000000 <= spi <= 0xCFFFFFFF for spi in spis)


def test_reservations_end_and_are_limited(rig):
    for _ in range(MAX_RESERVATIONS):
        rig.ask(AllocateSpi(B, A, IpProtocol.ESP))
    with pytest.raises(KernelError, match="too many"):
        rig.ask(AllocateSpi(B, A, IpProtocol.ESP))
    assert isinstance(rig.ask(AllocateSpi(B, A, IpProtocol.ESP), now=RESERVATION_S), Spis)
    assert rig.ask(Inspect()).reservations == 1


def test_reservation_is_used_up_by_its_owner_alone(rig):
    spi = rig.ask(AllocateSpi(B, A, IpProtocol.ESP)).spis[0]
    spec = replace(IN, id=replace(IN.id, spi=spi))
    with pytest.raises(KernelError, match="another daemon"):
        rig.ask(AddSa(spec), owner="pluto")
    assert rig.ask(AddSa(spec)) == Done()
    assert rig.ask(Inspect()).reservations == 0


def test_reservation_can_be_given_back(rig):
    spi = rig.ask(AllocateSpi(B, A, IpProtocol.ESP)).spis[0]
    rig.ask(DeleteSa(SaId(B, A, IpProtocol.ESP, spi)))
    assert rig.ask(Inspect()).reservations == 0


def test_packets_for_a_reserved_spi_are_kept_until_it_is_given_back_or_flushed(rig):
    for give_back in (
        lambda spi: rig.ask(DeleteSa(SaId(B, A, IpProtocol.ESP, spi))),
        lambda spi: rig.service.flush("charon"),
    ):
        (spi,) = rig.ask(AllocateSpi(B, A, IpProtocol.ESP)).spis
        datagram = (spi.to_bytes(4, "big") + bytes(40), 44, 0, None)
        rig.plane.receive([datagram], 0.0)
        assert not rig.plane.drops
        give_back(spi)
        rig.plane.receive([datagram], 0.0)
        assert rig.plane.drops.pop(Drop.UNKNOWN_SPI) == 1


def test_sa_can_be_asked_for_and_deleted_twice(rig):
    rig.ask(AddSa(OUT))
    rig.ask(AddPolicy(POLICY))
    rig.plane.send([PACKET], 5.0)
    assert rig.ask(QuerySa(OUT.id), now=7.0) == Usage(40, 1, 2.0)
    for _ in range(2):
        assert rig.ask(DeleteSa(OUT.id)) == Done()
    with pytest.raises(KernelError, match="no SA with SPI c0000001"):
        rig.ask(QuerySa(OUT.id))


@pytest.mark.parametrize(("spec", "words"), [
    (replace(OUT, mode=Mode.PASS), "no mode PASS"),
    (replace(OUT, mode=Mode.BEET), "BEET SA needs exactly one address at either end"),
    (replace(OUT, mode=Mode.TRANSPORT), "TRANSPORT SA needs exactly one address at either end"),
    (replace(OUT, id=replace(OUT.id, protocol=IpProtocol.AH)), "ESP only, not AH; .*charon.kernel = xfrm"),
    (replace(OUT, compression=Compression(2, 256)), "IPComp.*charon.kernel = xfrm"),
    (replace(OUT, id=replace(OUT.id, source=ip_address("::1"))), "different families"),
    (replace(OUT, replay_window=4097), "replay window"),
    (replace(OUT, id=replace(OUT.id, spi=1 << 32)), "0x100000000 is not one of 32 bits"),
    (replace(OUT, encryption=Algorithm(20, 128, Secret(b"short"))), "wrong key length"),
    (replace(OUT, encryption=Algorithm(12, 128, Secret(bytes(16)))), "needs an integrity"),
    (replace(OUT, encryption=Algorithm(999, 0, Secret(b""))), "not supported"),
    (replace(OUT, encryption=None), "needs an integrity"),
    (replace(OUT, id=SIX), "ESP-in-UDP socket for IPv6"),
    (replace(OUT, id=SIX, encapsulation=None), "raw ESP socket for IPv6"),
])
def test_what_cannot_be_installed_is_refused_in_words(rig, spec, words):
    with pytest.raises(KernelError, match=words):
        rig.ask(AddSa(spec))
    assert rig.ask(Inspect()).total_sas == 0


@pytest.mark.parametrize("spec", [OUT, IN, replace(IN, id=replace(IN.id, source=ip_address("192.0.2.9")))])
def test_second_sa_of_the_same_name_is_refused(rig, spec):
    rig.ask(AddSa(OUT))
    rig.ask(AddSa(IN))
    with pytest.raises(KernelError, match="exists already"):
        rig.ask(AddSa(spec))


def test_moved_sa_keeps_counters_and_lifetime(rig):
    rig.ask(AddSa(replace(OUT, lifetime=Lifetime(hard_s=10))))
    rig.ask(AddPolicy(POLICY))
    rig.plane.send([PACKET], 0.0)
    new = replace(OUT.id, destination=ip_address("192.0.2.77"))
    rig.host.mtus[new.destination] = 1400
    rig.ask(UpdateSa(OUT.id, new, Encapsulation(4500, 7)))
    assert rig.ask(QuerySa(new)).packets == 1
    assert rig.host.mtu == 1338
    assert rig.service.expire(10.0) == [("charon", Expire(new, True))]


@pytest.mark.parametrize(("id", "new", "words"), [
    (IN.id, IN.id, "no SA"),
    (OUT.id, replace(OUT.id, spi=5), "cannot change"),
    (OUT.id, replace(OUT.id, destination=ip_address("192.0.2.9")), "exists"),
    (OUT.id, SaId(ip_address("::1"), ip_address("::2"), IpProtocol.ESP, OUT.id.spi), "no socket"),
])
def test_impossible_moves_are_refused(rig, id, new, words):
    rig.ask(AddSa(OUT))
    rig.ask(AddSa(replace(OUT, id=replace(OUT.id, destination=ip_address("192.0.2.9")))))
    with pytest.raises(KernelError, match=words):
        rig.ask(UpdateSa(id, new, None))


def test_lifetimes_by_time_are_told_in_order(rig):
    rig.ask(AddSa(replace(OUT, lifetime=Lifetime(soft_s=5, hard_s=9))), now=100.0)
    assert rig.service.next_deadline() == 105.0
    assert rig.service.expire(104.9) == []
    assert rig.service.expire(105.0) == [("charon", Expire(OUT.id, False))]
    assert rig.service.expire(109.0) == [("charon", Expire(OUT.id, True))]
    assert rig.service.next_deadline() is None
    assert rig.ask(Inspect()).total_sas == 0


def test_deleted_sa_does_not_expire(rig):
    rig.ask(AddSa(replace(OUT, lifetime=Lifetime(soft_s=5))))
    rig.ask(DeleteSa(OUT.id))
    rig.ask(AddSa(OUT))
    assert rig.service.expire(5.0) == []


def test_policies_and_their_routes_are_counted(rig):
    rig.ask(AddPolicy(POLICY))
    rig.ask(AddPolicy(POLICY))
    assert rig.host.routes == [POLICY]
    rig.ask(DeletePolicy(POLICY))
    assert len(rig.plane.policies) == 1
    rig.ask(DeletePolicy(POLICY))
    assert (rig.host.routes, len(rig.plane.policies)) == ([], 0)
    with pytest.raises(KernelError, match="no policy"):
        rig.ask(DeletePolicy(POLICY))


def test_only_outbound_policies_have_routes_and_forward_needs_nothing(rig):
    rig.ask(AddPolicy(replace(POLICY, direction=Direction.IN)))
    rig.ask(AddPolicy(replace(POLICY, direction=Direction.FORWARD)))
    assert (rig.host.routes, len(rig.plane.policies)) == ([], 1)
    rig.ask(DeletePolicy(replace(POLICY, direction=Direction.FORWARD)))
    assert len(rig.plane.policies) == 1


def test_failed_acquire_is_asked_for_again_by_its_owners_packets_only(rig):
    rig.ask(AddPolicy(replace(POLICY, trap=True)))
    assert rig.plane.send([PACKET], 5.0).events
    rig.ask(AcquireFailed(1), owner="pluto", now=6.0)
    assert not rig.plane.send([PACKET], 30.0).events
    assert rig.ask(AcquireFailed(1), now=31.0) == Done()
    assert not rig.plane.send([PACKET], 32.0).events
    assert rig.plane.send([PACKET], 40.0).events


def test_spis_are_for_esp_alone(rig):
    with pytest.raises(KernelError, match="ESP only, not AH"):
        rig.ask(AllocateSpi(B, A, IpProtocol.AH))


def test_transport_and_beet_are_installed_with_what_they_need(rig):
    here, there = TrafficSelector.of("192.0.2.1"), TrafficSelector.of("192.0.2.2")
    spec = replace(OUT, mode=Mode.TRANSPORT, local_ts=(here,), remote_ts=(there,), original=(B, A))
    rig.ask(AddSa(spec))
    rig.ask(AddSa(replace(spec, mode=Mode.BEET, id=replace(OUT.id, spi=OUT.id.spi + 8))))
    rig.ask(AddPolicy(replace(POLICY, source=here, destination=there, action=Mode.TRANSPORT)))
    transport, beet = (sa.parameters for sa in rig.plane.outbound())
    assert (transport.carriage, transport.original) == (Carriage.TRANSPORT, (B, A))
    assert beet.carriage is Carriage.BEET
    assert rig.plane.policies.any_whole


def test_integrity_is_cut_as_told(rig):
    cipher = Algorithm(12, 128, Secret(bytes(16)))
    spec = replace(OUT, encryption=cipher, integrity=Algorithm(12, 0, Secret(bytes(32)), 96))
    assert translate.build_sealer(spec).icv_size == 12
    assert translate.build_sealer(replace(spec, integrity=Algorithm(12, 0, Secret(bytes(32))))).icv_size == 16


def test_flush_takes_only_what_the_owner_has(rig):
    rig.ask(AddSa(OUT))
    rig.ask(AddSa(IN), owner="pluto")
    rig.ask(AddPolicy(POLICY))
    rig.ask(AllocateSpi(B, A, IpProtocol.ESP))
    rig.service.flush("charon")
    inventory = rig.ask(Inspect())
    assert [status.owner for status in inventory.sas] == ["pluto"]
    assert (inventory.total_policies, inventory.reservations, rig.host.routes) == (0, 0, [])


def test_device_has_the_mtu_of_the_widest_tunnel(rig):
    rig.host.mtus[B] = 1400
    rig.ask(AddSa(OUT))
    assert rig.host.mtu == 1338
    rig.service.learn_path_mtu(B, 1000)
    assert rig.host.mtu == 1280
    rig.ask(DeleteSa(OUT.id))
    assert rig.host.mtu == DEFAULT_MTU


def test_events_go_to_the_owner(rig):
    rig.ask(AddPolicy(replace(POLICY, trap=True)))
    [(owner, acquire)] = rig.service.owned(rig.plane.send([PACKET], 0.0).events)
    assert owner == "charon"
    assert isinstance(acquire, Acquire) and str(acquire.source) == "10.1.0.1/32[udp/0]"
    rig.ask(AddSa(IN), owner="pluto")
    moved = Moved(translate.parameters(IN), Host.of("192.0.2.9", 7))
    assert rig.service.owned([moved]) == [("pluto", MappingChange(IN.id, moved.remote))]
    rig.ask(DeleteSa(IN.id))
    assert rig.service.owned([moved]) == []


def test_hard_expiry_by_packets_forgets_the_sa(rig):
    rig.ask(AddSa(replace(OUT, lifetime=Lifetime(soft_packets=1, hard_packets=2))))
    rig.ask(AddPolicy(POLICY))
    events = rig.service.owned(rig.plane.send([PACKET] * 2, 0.0).events)
    assert events == [("charon", Expire(OUT.id, False)), ("charon", Expire(OUT.id, True))]
    assert rig.ask(Inspect()).total_sas == 0


def test_daemon_that_is_away_is_asked_again(rig):
    rig.ask(AddPolicy(replace(POLICY, trap=True)))
    rig.plane.send([PACKET], 0.0)
    rig.service.flush_acquires("charon")
    assert rig.plane.send([PACKET], 0.0).events


def test_other_sockets_make_ways_stale(rig):
    rig.ask(AddSa(OUT))
    [sa] = rig.plane.outbound()
    sa.attachment = "way"
    rig.service.forget_ways()
    assert sa.attachment is None


def test_requests_of_the_connection_are_not_answered_here(rig):
    with pytest.raises(KernelError):
        rig.ask(Hello("x", False))


def test_drops_and_losses_are_shown_by_reason(rig):
    rig.plane.receive([(b"\xff", 1, 0, None)], 0.0)
    counts = {count.reason: count.packets for count in rig.ask(Inspect()).drops}
    assert counts == {"NAT keep-alive": 1, "No buffer space available": 3}


def test_sa_tells_what_it_has_carried_and_dropped(rig):
    rig.ask(AddSa(IN))
    data = IN.id.spi.to_bytes(4, "big") + bytes(60)
    rig.plane.receive([(data, len(data), 0, None)] * 2, 5.0)
    [status] = rig.ask(Inspect()).sas
    assert (status.id, status.mode, status.encapsulation) == (IN.id, IN.mode, IN.encapsulation)
    assert status.usage == rig.ask(QuerySa(IN.id)) == Usage(0, 0, None, (DropCount(Drop.REPLAY.value, 2),))


def test_inventory_comes_in_pages(rig):
    for number in range(PAGE + 20):
        rig.ask(AddPolicy(replace(POLICY, reqid=number + 1)))
    first, second = rig.ask(Inspect()), rig.ask(Inspect(PAGE))
    assert [(len(one.policies), len(one.routes)) for one in (first, second)] == [(PAGE, PAGE), (20, 20)]
    assert first.total_policies == first.total_routes == PAGE + 20
    assert not rig.ask(Inspect(most=0)).policies and len(rig.ask(Inspect(most=1 << 30)).policies) == PAGE


@pytest.mark.parametrize("changes, text", [
    ({}, "priority 375423: esp reqid 1 tunnel 192.0.2.1 to 192.0.2.2"),
    ({"trap": True, "outer_destination": None},
     "priority 375424: esp reqid 1 tunnel 192.0.2.1 to %any, asks for an SA"),
    ({"action": Mode.PASS, "priority": 7}, "priority 7: allow"),
    ({"action": Mode.TRANSPORT, "mark": Mark(5)},
     "priority 375423, mark 0x5/0xffffffff: esp reqid 1 transport"),
])  # fmt: skip
def test_policies_are_told_as_the_kernels_are(changes, text):
    ends = TrafficSelector.of("10.1.0.0/24"), TrafficSelector.of("10.2.0.0/24")
    spec = replace(POLICY, source=ends[0], destination=ends[1], reqid=1, outer_source=A, outer_destination=B)
    assert views.policy_text(replace(spec, **changes)) == f"out 10.1.0.0/24 === 10.2.0.0/24, {text}"


def test_features_name_what_the_tables_have():
    features = translate.features()
    assert 20 in features.encryption and 12 in features.integrity
    assert features.modes == set(Mode) - {Mode.IPTFS}
    assert (features.protocols, features.compression, features.tfc) == ({IpProtocol.ESP}, frozenset(), True)


def test_what_belongs_together_is_installed_and_removed_together(rig):
    inbound = replace(POLICY, direction=Direction.IN, source=FAR, destination=NEAR)
    assert rig.ask(Install((IN, OUT), (POLICY, inbound))) == Done()
    shown = rig.ask(Inspect())
    assert (shown.total_sas, shown.total_policies, rig.host.routes) == (2, 2, [POLICY])
    assert rig.ask(Remove((POLICY, inbound), (OUT.id, IN.id))) == Done()
    shown = rig.ask(Inspect())
    assert (shown.total_sas, shown.total_policies, rig.host.routes) == (0, 0, [])


def test_removal_takes_all_that_is_there_and_tells_what_was_not(rig):
    rig.ask(Install((IN, OUT), (POLICY,)))
    unknown = replace(POLICY, reqid=9)
    with pytest.raises(KernelError, match="no policy"):
        rig.ask(Remove((unknown, POLICY), (OUT.id, IN.id)))
    shown = rig.ask(Inspect())
    assert (shown.total_sas, shown.total_policies) == (0, 0)


def test_refusal_of_one_takes_back_all(rig):
    refused = replace(POLICY, action=Mode.IPTFS)
    with pytest.raises(KernelError):
        rig.ask(Install((IN, OUT), (POLICY, refused)))
    shown = rig.ask(Inspect())
    assert (shown.total_sas, shown.total_policies, rig.host.routes) == (0, 0, [])


def test_several_spis_are_reserved_at_once(rig):
    spis = rig.ask(AllocateSpi(B, A, IpProtocol.ESP, 16)).spis
    assert len(set(spis)) == 16
    assert rig.ask(Inspect()).reservations == 16
    for count in (0, MAX_RESERVATIONS):
        with pytest.raises(KernelError, match="too many"):
            rig.ask(AllocateSpi(B, A, IpProtocol.ESP, count))


def test_address_is_there_once_until_its_last_user_goes(rig):
    for _ in range(2):
        rig.ask(AddAddress(A, ""))
    assert rig.host.addresses == [(str(A), "")]
    rig.ask(DeleteAddress(A, ""))
    assert rig.host.addresses == [(str(A), "")]
    rig.ask(DeleteAddress(A, ""))
    assert rig.host.addresses == []
    with pytest.raises(KernelError, match="no virtual address"):
        rig.ask(DeleteAddress(A, ""))


def test_addresses_of_an_owner_go_with_it(rig):
    rig.ask(AddAddress(A, ""))
    rig.ask(AddAddress(B, "dummy0"), owner="pluto")
    rig.service.flush("pluto")
    assert rig.host.addresses == [(str(A), "")]
