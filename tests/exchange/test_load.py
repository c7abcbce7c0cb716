"""The load test's initiators against a responder, under the virtual clock."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace

from simulation import ikev1
from simulation.network import Datagram, Network
from simulation.pair import BOB, config, selector
from simulation.peer import Peer

from cygnet.base.addresses import Host
from cygnet.base.secret import Secret
from cygnet.charon.encoding.message import parse_message
from cygnet.charon.encoding.payloads import KeyExchange
from cygnet.charon.sa.orders import RekeyIke, TerminateIke
from cygnet.keying.config.records import AuthClass, AuthConfig, Unique
from cygnet.loadtest.initiators import Initiators, Setting
from cygnet.loadtest.options import parse
from cygnet.loadtest.pace import Pace
from cygnet.loadtest.plan import Plan, read_files
from cygnet.loadtest.ports import DiscardKernel, Numbers
from cygnet.loadtest.versions import Ikev1, Ikev2, reused_pair

LOADER = Host.of("192.0.2.1", 40000)
STEP_S = 0.01
KE = 4  # the first payload of main mode's third message (RFC 2408, 3.1)
SECRET = "a secret of some length"


class VirtualWire:
    """A socket of the simulated network; reading lets time pass. There is always something to look at."""

    local = LOADER

    def __init__(self, network: Network) -> None:
        self._network = network
        self._waiting: list[Datagram] = []
        self._bell = os.eventfd(1)
        network.stations[LOADER.address] = self

    def fileno(self) -> int:
        return self._bell

    def arrive(self, datagram: Datagram) -> None:
        self._waiting.append(datagram)

    def send(self, destination: Host, data: bytes) -> None:
        self._network.send(Datagram(LOADER, destination, data))

    def read(self) -> Iterator[tuple[bytes, Host, Host]]:
        self._network.run(STEP_S)
        waiting, self._waiting = self._waiting, []
        for datagram in waiting:
            yield datagram.data, datagram.source, datagram.destination

    def close(self) -> None:
        os.close(self._bell)


class Load:
    """Initiators and Bob, who takes anybody with the right secret."""

    def __init__(self, *argv: str) -> None:
        self.network = Network(1)
        self.bob = Peer(self.network, BOB)
        base = config("bob.test", "%any", selector("10.2.0.0/16"), selector("10.64.0.0/10"), "%any")
        remote = (AuthConfig(AuthClass.PSK, None),)
        self.bob.connections.configs = [replace(base, remote=remote, unique=Unique.NEVER)]
        self.bob.store.secrets.append((None, Secret(SECRET.encode())))
        options = parse([BOB, "--psk", SECRET, "--local-ts", "10.64.0.0/16", *argv])
        plan = Plan(options, read_files(options), 0.0)
        self.wire = VirtualWire(self.network)
        pair = reused_pair(options.ike) if options.reuse_keys else None
        version = Ikev2(plan, DiscardKernel(), Numbers(1000), os.urandom, pair)
        setting = Setting(
            plan, version, Host.of(BOB, 500), [self.wire], options.delete_after, lambda: self.network.now
        )
        self.initiators = Initiators(setting)
        self.result = self.initiators.result
        self.pace = Pace(options.concurrency, options.rate)
        self.deadline = self.network.now + 1000

    def stops(self) -> int:
        return 2 if self.network.now > self.deadline else 0

    def establish(self, count: int) -> None:
        self.initiators.establish(range(count), self.pace, self.stops)


def test_all_are_established_and_deleted_again() -> None:
    load = Load("--concurrency", "4")
    load.establish(10)
    result = load.result
    assert (result.started, result.established, result.in_progress, result.ok) == (10, 10, 0, True)
    assert len(load.bob.sas) == 10
    assert {str(spec.remote_ts[0]) for spec in load.bob.kernel.sas.values()} == {
        f"10.64.0.{n}/32" for n in range(10)
    }
    load.initiators.delete(load.stops)
    assert result.deleted == 10
    assert not load.bob.sas
    assert result.ok


def test_no_more_are_under_way_than_allowed() -> None:
    load = Load("--concurrency", "3")
    most = 0

    def stops() -> int:
        nonlocal most
        most = max(most, load.result.in_progress)
        return 0

    load.initiators.establish(range(20), load.pace, stops)
    assert most == 3


def test_latency_is_two_round_trips_and_time_is_from_first_to_last() -> None:
    load = Load("--concurrency", "1")
    load.establish(3)
    assert all(0.039 < one < 0.04 + 5 * STEP_S for one in load.result.latencies_s)
    assert abs(load.result.busy_s - sum(load.result.latencies_s)) < 1e-6


def test_latency_counts_from_when_a_handshake_was_due() -> None:
    load = Load("--concurrency", "1", "--rate", "100")
    load.establish(5)
    assert max(load.result.latencies_s) > 3 * min(load.result.latencies_s)


def test_wrong_secret_is_one_reason_for_all() -> None:
    load = Load()
    load.bob.store.secrets[:] = [(None, Secret(b"another"))]
    load.establish(5)
    assert load.result.failed == {"received AUTHENTICATION_FAILED notify error": 5}
    assert (load.result.established, load.result.ok) == (0, False)


def test_ike_sa_without_its_child_has_failed_and_goes() -> None:
    # I <- R  IKE_AUTH { IDr, AUTH, N(TS_UNACCEPTABLE) }
    load = Load("--remote-ts", "10.99.0.0/16")
    load.establish(2)
    assert load.result.failed == {"received TS_UNACCEPTABLE notify, no CHILD_SA built": 2}
    load.initiators.delete(load.stops)
    assert not load.bob.sas
    assert not load.result.lost


def test_silence_is_a_failure_after_the_retransmissions() -> None:
    load = Load("--timeout", "1", "--tries", "2")
    load.network.filters.append(lambda datagram: None)
    load.establish(2)
    assert load.result.retransmits == 4
    assert load.result.failed.total() == 2


def test_lost_message_is_sent_again() -> None:
    load = Load("--timeout", "1")
    load.network.filters.append(drop_first())
    load.establish(1)
    assert (load.result.established, load.result.retransmits) == (1, 1)


def test_sa_that_the_responder_deletes_is_lost() -> None:
    # R -> I  INFORMATIONAL { D }
    load = Load()
    load.establish(3)
    load.bob.order(next(iter(load.bob.sas.values())), TerminateIke())
    load.initiators.hold(1.0, load.stops)
    assert load.result.lost.total() == 1
    assert not load.result.ok
    load.initiators.delete(load.stops)
    assert load.result.deleted == 2


def test_responder_may_rekey_what_is_held() -> None:
    # R -> I  CREATE_CHILD_SA { SA, Nr, KEr }
    load = Load()
    load.establish(1)
    load.bob.order(load.bob.sa, RekeyIke())
    load.initiators.hold(1.0, load.stops)
    assert not load.result.lost
    load.initiators.delete(load.stops)
    assert load.result.deleted == 1
    assert not load.bob.sas


def test_each_is_deleted_at_its_age() -> None:
    load = Load("--delete-after", "0.5")
    load.establish(3)
    assert len(load.bob.sas) == 3
    load.initiators.hold(1.0, load.stops)
    assert load.result.deleted == 3
    assert load.result.ok


def test_wish_to_stop_begins_nothing_more() -> None:
    load = Load("--concurrency", "2")
    load.initiators.establish(range(50), load.pace, lambda: 1 if load.result.established else 0)
    assert load.result.established < 10
    assert load.result.in_progress == 0


def test_one_key_pair_serves_all_when_asked_to() -> None:
    load = Load("--reuse-keys")
    load.establish(3)
    assert load.result.established == 3
    requests = [one.data for one in load.network.travelled if one.source == LOADER and one.data[18] == 34]
    exchanges = [parse_message(data).message.first(KeyExchange) for data in requests]
    assert len(exchanges) == 3
    assert len(set(exchanges)) == 1


def drop_first() -> Callable[[Datagram], Datagram | None]:
    """A filter that eats one datagram."""
    eaten: list[Datagram] = []

    def drop(datagram: Datagram) -> Datagram | None:
        if eaten:
            return datagram
        eaten.append(datagram)
        return None

    return drop


class LoadOfIkev1(Load):
    """Bob is pluto's core, which takes anybody too."""

    def __init__(self, *argv: str) -> None:
        self.network = Network(1)
        self.bob = ikev1.Peer(self.network, BOB, ikev1.DaemonSettings(dos_protection=False))
        base = ikev1.config("bob.test", "%any", "10.2.0.0/16", "10.64.0.0/10", "%any")
        remote = AuthConfig(AuthClass.PSK, None)
        self.bob.connections.configs = [replace(base, remote=remote, unique=Unique.NEVER)]
        self.bob.store.secrets.append((None, Secret(SECRET.encode())))
        networks = ["--local-ts", "10.64.0.0/16", "--remote-ts", "10.2.0.0/16"]
        options = parse([BOB, "--psk", SECRET, "--ikev1", "--esp", "aes128-sha256", *networks, *argv])
        plan = Plan(options, read_files(options), 0.0)
        self.wire = VirtualWire(self.network)
        pair = reused_pair(options.ike) if options.reuse_keys else None
        version = Ikev1(plan, DiscardKernel(), Numbers(1000), os.urandom, pair)
        setting = Setting(
            plan, version, Host.of(BOB, 500), [self.wire], options.delete_after, lambda: self.network.now
        )
        self.initiators = Initiators(setting)
        self.result = self.initiators.result
        self.pace = Pace(options.concurrency, options.rate)
        self.deadline = self.network.now + 1000


def test_ikev1_is_established_and_deleted_again() -> None:
    load = LoadOfIkev1("--concurrency", "4")
    load.establish(10)
    assert (load.result.started, load.result.established, load.result.in_progress) == (10, 10, 0)
    assert len(load.bob.sas) == len(load.bob.children) == 10
    load.initiators.delete(load.stops)
    load.network.run(1)
    assert load.result.deleted == 10 and load.result.ok
    assert not load.bob.sas


def test_one_key_pair_serves_all_handshakes_of_ikev1() -> None:
    load = LoadOfIkev1("--reuse-keys")
    values = set()

    def look(datagram: Datagram) -> Datagram:
        if datagram.source == LOADER and datagram.data[16] == KE:
            values.add(datagram.data[32:64])
        return datagram

    load.network.filters.append(look)
    load.establish(4)
    assert load.result.established == 4 and len(values) == 1


def test_wrong_secret_in_ikev1_is_one_reason_for_all() -> None:
    load = LoadOfIkev1("--tries", "1")
    load.bob.store.secrets[:] = [(None, Secret(b"another"))]
    load.establish(3)
    assert load.result.established == 0
    (reason,) = load.result.failed
    assert "wrong pre-shared key" in reason
