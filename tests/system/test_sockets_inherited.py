"""The inherited reuseport group: each daemon gets its own, also after a restart; nothing is unreachable."""

import os
import select
import socket
from collections.abc import Iterator

import pytest

from cygnet.runtime.network.inherited import SocketGroups, encode, inherit, open_group
from lab.namespaces import Namespace

pytestmark = pytest.mark.root

LOCAL = {4: "127.0.0.1", 6: "::1"}
KIND = {4: socket.AF_INET, 6: socket.AF_INET6}
BOTH = pytest.mark.parametrize("family", [4, 6])
MARKER = bytes(4)
ESP = b"\x00\x00\x12\x34" + bytes(40)


@pytest.fixture
def host() -> Iterator[Namespace]:
    made = Namespace()
    yield made
    made.close()


@BOTH
@pytest.mark.parametrize("order", [("charon", "pluto", "espd"), ("pluto", "espd", "charon")])
def test_each_member_gets_exactly_its_own(host: Namespace, family: int, order: tuple[str, ...]) -> None:
    groups = opened(host, order)
    for _ in range(8):
        for version in (0x10, 0x20, 0x21, 0x30):
            send(host, family, 500, ike(version))
            send(host, family, 4500, MARKER + ike(version))
        send(host, family, 4500, ESP)
    charon, pluto, espd = (drained(groups, member) for member in ("charon", "pluto", "espd"))
    assert charon == {f"ike{family}": [ike(v) for v in (0x20, 0x21, 0x30)] * 8,
                      f"natt{family}": [MARKER + ike(v) for v in (0x20, 0x21, 0x30)] * 8}
    assert pluto == {f"ike{family}": [ike(0x10)] * 8, f"natt{family}": [MARKER + ike(0x10)] * 8}
    assert espd == {f"esp{family}": [ESP] * 8}
    assert host.unreachables_sent() == 0
    groups.close()


@BOTH
def test_charon_alone_gets_everything(host: Namespace, family: int) -> None:
    groups = opened(host, ("charon",))
    for data in (ike(0x10), ike(0x20), b"\xff", b""):
        send(host, family, 500, data)
    for data in (MARKER + ike(0x10), ESP, b"\xff"):
        send(host, family, 4500, data)
    assert drained(groups, "charon") == {f"ike{family}": [ike(0x10), ike(0x20), b"\xff", b""],
                                         f"natt{family}": [MARKER + ike(0x10), ESP, b"\xff"]}
    groups.close()


@BOTH
def test_daemon_that_restarts_finds_what_came_meanwhile(host: Namespace, family: int) -> None:
    groups = opened(host, ("charon", "pluto", "espd"))
    first = inherited(groups, "charon")
    send(host, family, 500, ike(0x20, 1))
    assert first[f"ike{family}"].recv(100) == ike(0x20, 1)
    for sock in first.values():
        sock.close()

    send(host, family, 500, ike(0x20, 2))
    send(host, family, 500, ike(0x10, 3))
    second = inherited(groups, "charon")
    send(host, family, 500, ike(0x20, 4))
    assert [second[f"ike{family}"].recv(100) for _ in range(2)] == [ike(0x20, 2), ike(0x20, 4)]
    assert drained(groups, "pluto") == {f"ike{family}": [ike(0x10, 3)]}
    assert host.unreachables_sent() == 0
    for sock in second.values():
        sock.close()
    groups.close()


def test_ip_options_do_not_change_who_gets_it(host: Namespace) -> None:
    groups = opened(host, ("charon", "pluto", "espd"))
    for version in (0x10, 0x20):
        send(host, 4, 500, ike(version), options=b"\x01" * 40)
    assert drained(groups, "charon") == {"ike4": [ike(0x20)]}
    assert drained(groups, "pluto") == {"ike4": [ike(0x10)]}
    groups.close()


def test_port_of_another_process_is_reported_and_nothing_stays_open(host: Namespace) -> None:
    with host.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("0.0.0.0", 4500))
        with pytest.raises(OSError, match="in use"):
            open_group()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("0.0.0.0", 500))


def opened(host: Namespace, members: tuple[str, ...]) -> SocketGroups:
    with host.entered():
        return open_group(members=members)


def inherited(groups: SocketGroups, member: str) -> dict[str, socket.socket]:
    """What a daemon has after fork and exec: descriptors of its own for the same sockets."""
    copies = {name: os.dup(sock.fileno()) for name, sock in groups.members[member].items()}
    return inherit({"CYGNET_SOCKETS": encode(copies)})


def send(host: Namespace, family: int, port: int, data: bytes, options: bytes = b"") -> None:
    with host.entered(), socket.socket(KIND[family], socket.SOCK_DGRAM) as client:
        if options:
            client.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, options)
        client.sendto(data, (LOCAL[family], port))


def drained(groups: SocketGroups, member: str) -> dict[str, list[bytes]]:
    """All that waits in a member's sockets, by their names, without those that have nothing."""
    found: dict[str, list[bytes]] = {}
    for name, sock in groups.members[member].items():
        while select.select([sock], [], [], 0)[0]:
            found.setdefault(name, []).append(sock.recv(2000))
    return found


def ike(version: int, number: int = 0) -> bytes:
    """An IKE header with a version and a recognisable message ID."""
    head = bytes(16) + b"\x21" + bytes([version]) + b"\x22\x08"
    return head + number.to_bytes(4, "big") + (28).to_bytes(4, "big")
