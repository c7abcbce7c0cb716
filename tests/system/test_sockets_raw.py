"""charon on the raw socket beside a foreign IKEv1 daemon: both get their own, no port unreachable leaves."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cygnet.base.addresses import Host
from cygnet.runtime.counters import Counters
from cygnet.runtime.network.choosing import open_ike_socket
from cygnet.runtime.network.datagrams import KEEPALIVE, NON_ESP_MARKER, Datagram, IkeSocket
from cygnet.runtime.network.guards import NOBODY
from cygnet.runtime.network.inherited import SOCKETS_VARIABLE, encode, open_group
from cygnet.runtime.network.settings import SocketSettings
from lab.namespaces import Namespace

pytestmark = pytest.mark.root

OURS = {4: "192.0.2.1", 6: "2001:db8::1"}
SECOND = {4: "192.0.2.7", 6: "2001:db8::7"}
THEIRS = {4: "192.0.2.2", 6: "2001:db8::2"}
ANY = {4: "0.0.0.0", 6: "::"}
KIND = {4: socket.AF_INET, 6: socket.AF_INET6}
BOTH = pytest.mark.parametrize("family", [4, 6])


def is_mapped(uid: int) -> bool:
    """Whether this user namespace has such a user."""
    rows = [line.split() for line in Path("/proc/self/uid_map").read_text().splitlines()]
    return any(int(first) <= uid < int(first) + int(count) for first, _, count in rows)


class Bench:
    """A host with charon's raw socket and perhaps a foreign daemon, and a peer that sends to it."""

    def __init__(self) -> None:
        self.host, self.peer = Namespace(), Namespace()
        ours = (f"{OURS[4]}/24", f"{SECOND[4]}/24", f"{OURS[6]}/64", f"{SECOND[6]}/64")
        self.host.connect(self.peer, ours, (f"{THEIRS[4]}/24", f"{THEIRS[6]}/64"))
        self.counters = Counters()
        self.esp: list[Datagram] = []
        self._open: list[socket.socket | IkeSocket] = []

    def charon(self, kind: str = "raw", environment: dict[str, str] | None = None) -> IkeSocket:
        if kind == "inherited" and environment is None:
            environment = self.passed_down()
        addresses = [Host.of(text).address for text in (*OURS.values(), *SECOND.values())]
        with self.host.entered():
            made = open_ike_socket(kind, SocketSettings(), environment or {}, self.counters,
                                   on_esp=self.esp.append, local_addresses=lambda: addresses)
        self._open.append(made)
        return made

    def passed_down(self) -> dict[str, str]:
        """What charon inherits from a starter."""
        with self.host.entered():
            groups = open_group(members=("charon",))
        names = {name: os.dup(sock.fileno()) for name, sock in groups.members["charon"].items()}
        groups.close()
        return {SOCKETS_VARIABLE: encode(names)}

    def foreign(self, family: int, address: str, port: int = 500, *, shares: bool = True) -> socket.socket:
        return self._bound(self.host, family, address, port, shares=shares)

    def client(self, family: int, port: int = 0) -> socket.socket:
        return self._bound(self.peer, family, ANY[family], port, shares=True)

    def _bound(self, where: Namespace, family: int, address: str, port: int, *,
               shares: bool) -> socket.socket:
        with where.entered():
            sock = socket.socket(KIND[family], socket.SOCK_DGRAM)
            self._open.append(sock)
            if family == 6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(shares))
            sock.bind((address, port))
            sock.settimeout(2)
            return sock

    def close(self) -> None:
        for sock in self._open:
            sock.close()
        self.host.close()
        self.peer.close()


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


@BOTH
@pytest.mark.parametrize(("where", "foreign_first"), [
    ("any", True), ("any", False), ("address", True), ("address", False),
    # A daemon without SO_REUSEADDR has to be there first.
    ("exclusively any", True), ("exclusively address", True),
])
def test_both_daemons_get_their_own_traffic_and_nothing_is_unreachable(
    bench: Bench, family: int, where: str, foreign_first: bool
) -> None:
    shares = "exclusively" not in where
    address = ANY[family] if where.endswith("any") else OURS[family]
    if foreign_first:
        foreign = bench.foreign(family, address, shares=shares)
    charon = bench.charon()
    if not foreign_first:
        foreign = bench.foreign(family, address)
    client = bench.client(family, 500)
    for number, version in enumerate((0x10, 0x20, 0x10, 0x21)):
        client.sendto(ike(version, number), (OURS[family], 500))

    assert received(charon, 2) == [(OURS[family], ike(0x20, 1)), (OURS[family], ike(0x21, 3))]
    ikev1 = [data for data in (foreign.recv(100) for _ in range(4)) if data[17] >> 4 == 1]
    assert ikev1 == [ike(0x10, 0), ike(0x10, 2)]

    client.sendto(ike(0x20, 9), (SECOND[family], 500))
    assert received(charon, 1) == [(SECOND[family], ike(0x20, 9))]
    assert bench.host.unreachables_sent() == 0


@BOTH
def test_foreign_daemon_may_go_and_come_back(bench: Bench, family: int) -> None:
    foreign = bench.foreign(family, ANY[family])
    charon = bench.charon()
    foreign.close()
    client = bench.client(family)
    client.sendto(ike(0x20, 1), (OURS[family], 500))
    assert received(charon, 1) == [(OURS[family], ike(0x20, 1))]
    foreign = bench.foreign(family, ANY[family])
    client.sendto(ike(0x10, 2), (OURS[family], 500))
    assert foreign.recv(100) == ike(0x10, 2)
    assert bench.host.unreachables_sent() == 0


@BOTH
def test_guards_renewed_come_behind_a_reuseport_daemon_that_started_later(bench: Bench, family: int) -> None:
    charon = bench.charon()
    with bench.host.entered():
        foreign = socket.socket(KIND[family], socket.SOCK_DGRAM)
        foreign.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        foreign.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        foreign.bind((ANY[family], 500))
        charon.renew_guards()  # type: ignore[attr-defined]
    foreign.settimeout(2)
    client = bench.client(family)
    for number in range(8):
        client.sendto(ike(0x10, number), (OURS[family], 500))
    assert [foreign.recv(100) for _ in range(8)] == [ike(0x10, number) for number in range(8)]
    foreign.close()


@BOTH
def test_udp_encapsulation_leaves_ike_alone_also_after_renewal(bench: Bench, family: int) -> None:
    charon = bench.charon()
    able = charon.enable_udp_encapsulation()
    with bench.host.entered():
        charon.renew_guards()  # type: ignore[attr-defined]
        assert charon.enable_udp_encapsulation() == able
    bench.client(family).sendto(NON_ESP_MARKER + ike(0x20, 7), (OURS[family], 4500))
    assert received(charon, 1) == [(OURS[family], ike(0x20, 7))]
    assert bench.host.unreachables_sent() == 0


@BOTH
def test_address_that_cannot_be_bound_is_left_out(bench: Bench, family: int) -> None:
    bench.foreign(family, OURS[family], shares=False)
    bench.host.run(f"ip address del {SECOND[family]}/{24 if family == 4 else 64} dev wire")
    charon = bench.charon()
    bench.client(family).sendto(ike(0x20, 7), (OURS[family], 500))
    assert received(charon, 1) == [(OURS[family], ike(0x20, 7))]


@BOTH
def test_charon_comes_back_beside_an_espd_that_kept_its_member(bench: Bench, family: int) -> None:
    if family == 6 and not is_mapped(NOBODY):
        pytest.skip("with one user here, an IPv6 guard cannot have another owner than espd's socket")
    with bench.host.entered():
        groups = open_group(members=("charon", "espd"))
    for sock in groups.members["charon"].values():
        sock.close()
    charon = bench.charon("auto")
    client, esp = bench.client(family), b"\x00\x00\x12\x34" + bytes(40)
    for data, port in ((NON_ESP_MARKER + ike(0x20, 1), 4500), (esp, 4500), (ike(0x20, 2), 500)):
        client.sendto(data, (OURS[family], port))
    assert charon.kind == "raw"
    assert received(charon, 2) == [(OURS[family], ike(0x20, 1)), (OURS[family], ike(0x20, 2))]
    kept = groups.members["espd"][f"esp{family}"]
    kept.settimeout(2)
    assert esp in [kept.recv(100) for _ in range(2)]
    assert bench.host.unreachables_sent() == 0
    groups.close()


@BOTH
def test_without_guards_the_host_would_answer_unreachable(bench: Bench, family: int) -> None:
    client = bench.client(family)
    client.sendto(ike(0x20, 1), (OURS[family], 500))
    client.connect((OURS[family], 500))
    client.send(ike(0x20, 1))
    with pytest.raises(ConnectionRefusedError):
        client.recv(100)
    assert bench.host.unreachables_sent() > 0


@BOTH
@pytest.mark.parametrize("kind", ["raw", "udp", "inherited"])
def test_port_4500_tells_ike_from_esp_and_keepalives(bench: Bench, family: int, kind: str) -> None:
    charon = bench.charon(kind)
    client = bench.client(family)
    for data in (KEEPALIVE, b"\x00\x00", b"\x00\x00\x12\x34" + bytes(40), NON_ESP_MARKER + ike(0x20, 7)):
        client.sendto(data, (OURS[family], 4500))
    client.sendto(ike(0x20, 8), (OURS[family], 500))
    assert sorted(received(charon, 2)) == [(OURS[family], ike(0x20, 7)), (OURS[family], ike(0x20, 8))]
    assert bench.host.unreachables_sent() == 0
    if kind != "raw":
        assert [datagram.data[:4] for datagram in bench.esp] == [b"\x00\x00\x12\x34"]
        assert bench.counters["net ESP received"] == 1
        assert bench.counters["net keep-alives received"] == 1
        assert bench.counters["net too short"] == 1


@BOTH
@pytest.mark.parametrize("kind", ["raw", "udp", "inherited"])
@pytest.mark.parametrize("port", [500, 4500])
def test_answers_leave_from_the_address_and_port_they_came_to(
    bench: Bench, family: int, kind: str, port: int
) -> None:
    charon = bench.charon(kind)
    client = bench.client(family)
    for size in (28, 1001, 9000):
        request = (NON_ESP_MARKER if port == 4500 else b"") + ike(0x20, 1) + bytes(size - 28)
        client.sendto(request, (SECOND[family], port))
        datagram = receive(charon)
        assert datagram.destination == Host.of(SECOND[family], port)
        charon.send(Datagram(datagram.destination, datagram.source, datagram.data, dscp=48))
        data, source = client.recvfrom(10_000)
        assert (data, source[:2]) == (request, (SECOND[family], port))
    charon.send(Datagram(Host.of(ANY[family], 4500), datagram.source, KEEPALIVE))
    data, source = client.recvfrom(100)
    assert (data, source[:2]) == (KEEPALIVE, (OURS[family] if family == 4 else source[0], 4500))


@pytest.mark.parametrize("kind", ["raw", "udp", "inherited"])
@pytest.mark.parametrize("port", [500, 4500])
def test_ip_options_do_not_hide_a_message(bench: Bench, kind: str, port: int) -> None:
    charon = bench.charon(kind)
    client = bench.client(4)
    client.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, b"\x01" * 36 + b"\x00" * 4)
    client.sendto((NON_ESP_MARKER if port == 4500 else b"") + ike(0x20, 5), (OURS[4], port))
    assert received(charon, 1) == [(OURS[4], ike(0x20, 5))]


@BOTH
def test_raw_socket_survives_lengths_that_lie(bench: Bench, family: int) -> None:
    charon = bench.charon()
    with bench.peer.entered():
        raw = socket.socket(KIND[family], socket.SOCK_RAW, socket.IPPROTO_UDP)
    message = ike(0x20, 1)
    for length in (0, 7, 8, 0xFFFF):
        header = b"\x01\xf4\x01\xf4" + length.to_bytes(2, "big") + b"\x00\x00"
        raw.sendto(header + message, (OURS[family], 0))
    raw.close()
    bench.client(family).sendto(ike(0x20, 2), (OURS[family], 500))
    last = [datagram.data for datagram in (charon.receive(0.5) for _ in range(5)) if datagram is not None][-1]
    assert last == ike(0x20, 2)


def test_auto_prefers_inherited_then_udp_then_raw(bench: Bench) -> None:
    first = bench.charon("auto")
    assert first.kind == "udp"
    first.close()
    bench.foreign(4, ANY[4])
    assert bench.charon("auto").kind == "raw"
    inherited = Bench()
    try:
        assert inherited.charon("auto", inherited.passed_down()).kind == "inherited"
    finally:
        inherited.close()


def ike(version: int, number: int) -> bytes:
    """An IKE header with a version and a recognisable message ID."""
    head = bytes(16) + b"\x21" + bytes([version]) + b"\x22\x08"
    return head + number.to_bytes(4, "big") + (28).to_bytes(4, "big")


def receive(charon: IkeSocket) -> Datagram:
    datagram = charon.receive(2)
    assert datagram is not None
    return datagram


def received(charon: IkeSocket, count: int) -> list[tuple[str, bytes]]:
    """To which address, and what, of so many datagrams."""
    datagrams = [receive(charon) for _ in range(count)]
    return [(str(datagram.destination.address), datagram.data) for datagram in datagrams]
