"""The sockets of a load test, over loopback."""

import select
import socket
from collections.abc import Iterator

import pytest

from cygnet.base.addresses import Host
from cygnet.base.errors import LocalError
from cygnet.loadtest.wires import Wire

HERE = Host.of("127.0.0.1", 0)


@pytest.fixture
def responder() -> Iterator[tuple[socket.socket, socket.socket]]:
    """What listens on the responder's two ports."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ike,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nat_t,
    ):
        for sock in (ike, nat_t):
            sock.bind(("127.0.0.1", 0))
            sock.settimeout(5)
        yield ike, nat_t


@pytest.fixture
def wire(responder: tuple[socket.socket, socket.socket]) -> Iterator[Wire]:
    ike, nat_t = (sock.getsockname()[1] for sock in responder)
    made = Wire(HERE, Host.of("127.0.0.1", ike), nat_t)
    yield made
    made.close()


def received(wire: Wire) -> list[tuple[bytes, Host, Host]]:
    select.select([wire], [], [], 5)
    return list(wire.read())


def test_messages_go_to_the_ike_port_as_they_are(
    wire: Wire, responder: tuple[socket.socket, socket.socket]
) -> None:
    ike = responder[0]
    wire.send(Host.of("127.0.0.1", ike.getsockname()[1]), b"request")
    data, source = ike.recvfrom(100)
    assert (data, source[1]) == (b"request", wire.local.port)
    ike.sendto(b"response", source)
    assert received(wire) == [(b"response", Host.of(*ike.getsockname()), wire.local)]


def test_nat_traversal_port_is_spoken_to_with_the_marker_from_the_same_socket(
    wire: Wire, responder: tuple[socket.socket, socket.socket]
) -> None:
    nat_t = responder[1]
    port = nat_t.getsockname()[1]
    wire.send(Host.of("127.0.0.1", port), b"request")
    data, source = nat_t.recvfrom(100)
    assert (data, source[1]) == (b"\0\0\0\0request", wire.local.port)
    nat_t.sendto(b"\0\0\0\0response", source)
    assert received(wire) == [(b"response", Host.of("127.0.0.1", port), wire.local.with_port(port))]


def test_esp_and_strangers_are_not_heard(
    wire: Wire, responder: tuple[socket.socket, socket.socket]
) -> None:
    nat_t = responder[1]
    nat_t.sendto(b"\1\2\3\4 some ESP", ("127.0.0.1", wire.local.port))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(b"response", ("127.0.0.1", wire.local.port))
    assert received(wire) == []


def test_nobody_listening_is_like_a_lost_message(wire: Wire) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.1", 0))
        host = Host.of(*gone.getsockname())
    for _ in range(3):
        wire.send(host, b"request")
    assert list(wire.read()) == []


def test_address_that_is_not_ours_is_named() -> None:
    with pytest.raises(LocalError, match=r"cannot send from 192\.0\.2\.77\[0\]"):
        Wire(Host.of("192.0.2.77", 0), Host.of("127.0.0.1", 500), 4500)
