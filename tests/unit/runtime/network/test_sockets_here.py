"""Sockets on the loopback interface and on ports that the kernel chooses, as any user may open them."""

import os
import socket
import struct
import threading
from collections.abc import Iterator
from ipaddress import ip_address
from queue import SimpleQueue

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.base.addresses import Host
from cygnet.runtime.counters import Counters
from cygnet.runtime.network import options
from cygnet.runtime.network.addressing import Ancillary, arrived_at
from cygnet.runtime.network.choosing import SocketError, open_ike_socket
from cygnet.runtime.network.datagrams import KEEPALIVE, NON_ESP_MARKER, Datagram, IkeSocket
from cygnet.runtime.network.demultiplexing import Demultiplexer
from cygnet.runtime.network.inherited import decode, encode, inherit, open_group
from cygnet.runtime.network.raw import checksum, udp_packet
from cygnet.runtime.network.settings import SocketSettings

Pair = tuple[IkeSocket, IkeSocket, Counters]

SETTINGS = SocketSettings(port=0, port_nat_t=0, families=(4,), max_packet=1000)
MESSAGE = bytes(range(28))


@pytest.fixture
def pair() -> Iterator[tuple[IkeSocket, IkeSocket, Counters]]:
    counters = Counters()
    one = open_ike_socket("udp", SETTINGS, {}, Counters())
    two = open_ike_socket("udp", SETTINGS, {}, counters)
    yield one, two, counters
    one.close()
    two.close()


def at(sock: IkeSocket, *, nat_t: bool) -> Host:
    return Host.of("127.0.0.1", sock.port_nat_t if nat_t else sock.port)


@pytest.mark.parametrize("nat_t", [False, True])
def test_message_arrives_with_both_addresses(pair: Pair, nat_t: bool) -> None:
    one, two, _ = pair
    datagram = Datagram(at(one, nat_t=nat_t), at(two, nat_t=nat_t), MESSAGE)
    one.send(datagram)
    assert two.receive(5) == datagram


def test_keepalive_and_oversized_datagram_are_counted(pair: Pair) -> None:
    one, two, counters = pair
    for data in (KEEPALIVE, bytes(1001), MESSAGE):
        one.send(Datagram(at(one, nat_t=True), at(two, nat_t=True), data))
    received = two.receive(5)
    assert received is not None and received.data == MESSAGE
    assert counters.snapshot() == {"net keep-alives received": 1, "net too large": 1}


def test_source_port_that_is_not_ours_is_refused(pair: Pair) -> None:
    one, two, _ = pair
    with pytest.raises(OSError, match="no IKE socket"):
        one.send(Datagram(Host.of("127.0.0.1", 1), at(two, nat_t=False), MESSAGE))
    with pytest.raises(OSError, match="no IKE socket"):
        one.send(Datagram(Host.of("::1", one.port), Host.of("::1", 500), MESSAGE))


def test_waiting_ends_with_its_time_or_when_woken(pair: Pair) -> None:
    one, _, _ = pair
    assert one.receive(0) is None
    got: list[object] = []
    waiting = threading.Thread(target=lambda: got.append(one.receive()))
    waiting.start()
    one.wake()
    waiting.join(5)
    assert got == [None]


def test_every_datagram_is_for_one_of_the_threads_that_wait(pair: Pair) -> None:
    one, two, _ = pair
    got: SimpleQueue[bytes] = SimpleQueue()

    def read() -> None:
        while (datagram := two.receive(10)) is not None:
            got.put(datagram.data)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    sent = [MESSAGE + bytes([number]) for number in range(50)]
    for data in sent:
        one.send(Datagram(at(one, nat_t=False), at(two, nat_t=False), data))
    assert sorted(got.get(timeout=5) for _ in sent) == sent
    two.wake()
    for thread in threads:
        thread.join(5)
    assert not any(thread.is_alive() for thread in threads) and got.empty()


def test_group_is_never_joined_by_another() -> None:
    first = open_group((4,), (0, 0), ("charon",))
    taken = [sock.getsockname()[1] for sock in first.members["charon"].values()]
    with pytest.raises(OSError, match="in use"):
        open_group((4,), (taken[0], taken[1]), ("charon",))
    first.close()


def test_inherited_sockets_are_the_ones_that_were_opened() -> None:
    groups = open_group((4,), (0, 0), ("charon", "espd"))
    copies = {name: os.dup(sock.fileno()) for name, sock in groups.members["charon"].items()}
    assert set(groups.members["espd"]) == {"esp4"}
    made = open_ike_socket("auto", SETTINGS, {"CYGNET_SOCKETS": encode(copies)}, Counters())
    client = open_ike_socket("udp", SETTINGS, {}, Counters())
    client.send(Datagram(at(client, nat_t=True), at(made, nat_t=True), MESSAGE))
    received = made.receive(5)
    assert (made.kind, received and received.data) == ("inherited", MESSAGE)
    assert len(groups.descriptors("charon")) == 2
    assert decode(groups.environment("espd")) == {"esp4": groups.descriptors("espd")[0]}
    for each in (made, client, groups):
        each.close()


@pytest.mark.parametrize(("text", "reason"), [
    ("ike4", "not a socket name"), ("ike5=3", "not a socket name"), ("ike4=x", "not a socket name"),
    ("=3", "not a socket name"), ("ike4=3,ike4=4", "twice"), ("ike4=3,ike6=3", "twice"),
])
def test_bad_environment_is_explained(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        decode(text)


@given(st.text(max_size=30))
def test_environment_of_any_text_is_read_or_explained(text: str) -> None:
    try:
        found = decode(text)
    except ValueError:
        return
    assert decode(encode(found)) == found


def test_descriptor_that_is_no_udp_socket_is_explained() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream:
        with pytest.raises(ValueError, match="not such a socket"):
            inherit({"CYGNET_SOCKETS": f"ike4={stream.fileno()}"})
        assert stream.fileno() >= 0
    with pytest.raises(ValueError, match="ike4=9999"):
        inherit({"CYGNET_SOCKETS": "ike4=9999"})


@pytest.mark.parametrize(("kind", "environment", "reason"), [
    ("tcp", {}, "none of auto, inherited, raw, udp"),
    ("inherited", {}, "passes no IKE socket"),
    ("auto", {"CYGNET_SOCKETS": "nonsense"}, "'nonsense' is not a socket name"),
])
def test_sockets_that_cannot_be_had_are_explained(
    kind: str, environment: dict[str, str], reason: str
) -> None:
    with pytest.raises(SocketError, match=reason):
        open_ike_socket(kind, SETTINGS, environment, Counters())


def test_taken_port_is_explained_when_udp_is_demanded() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("0.0.0.0", 0))
        taken = SocketSettings(port=other.getsockname()[1], port_nat_t=0, families=(4,))
        with pytest.raises(SocketError, match=f"UDP {taken.port} and 0 failed: Address already in use"):
            open_ike_socket("udp", taken, {}, Counters())


@given(st.binary(max_size=60), st.booleans())
def test_every_datagram_is_ike_esp_or_counted(data: bytes, nat_t: bool) -> None:
    counters, esp = Counters(), list[Datagram]()
    host = Host.of("192.0.2.1", 4500)
    kept = Demultiplexer(counters, esp.append).accept(Datagram(host, host, data), nat_t=nat_t)
    counted = sum(counters.snapshot().values())
    assert counted == (kept is None)
    if kept is not None:
        assert (NON_ESP_MARKER if nat_t else b"") + kept.data == data
    assert len(esp) == counters["net ESP received"]


@given(st.binary(max_size=200))
def test_udp_checksum_verifies(payload: bytes) -> None:
    source, destination = Host.of("192.0.2.1", 500), Host.of("192.0.2.2", 4500)
    packet = udp_packet(source, destination, payload)
    pseudo = source.address.packed + destination.address.packed + struct.pack(">HH", 17, len(packet))
    words = pseudo + packet + bytes(len(packet) % 2)
    assert sum(struct.unpack(f">{len(words) // 2}H", words)) % 0xFFFF == 0
    assert packet[6:8] != bytes(2)


def test_checksum_of_rfc_1071() -> None:
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0x220D


def test_datagram_that_udp_cannot_carry_is_refused() -> None:
    with pytest.raises(OSError, match="larger"):
        udp_packet(Host.of("192.0.2.1", 500), Host.of("192.0.2.2", 500), bytes(0xFFFF))


@pytest.mark.parametrize("ancillary", [(), [(0, 8, b"short")], [(41, 50, b"short")], [(1, 1, bytes(20))]])
def test_destination_is_unspecified_when_the_kernel_does_not_say(ancillary: Ancillary) -> None:
    assert arrived_at(ancillary, 4) == ip_address("0.0.0.0")
    assert arrived_at(ancillary, 6) == ip_address("::")


def test_options_that_are_not_permitted_are_only_reported() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        assert not options.bypass_policy(sock, 4)
        assert not options.enable_udp_encapsulation(sock)
