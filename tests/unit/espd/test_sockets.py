"""espd's outer sockets: which are used, and the UDP headers of raw ones."""

import socket

import pytest

from cygnet.espd.sockets import Sockets

ESP = b"\x00\x00\x12\x34" + bytes(range(20))


def udp_socket():
    own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    own.bind(("127.0.0.1", 0))
    return own


@pytest.fixture
def sockets():
    made = Sockets()
    yield made
    made.close()


@pytest.mark.root
def test_sockets_handed_over_take_the_place_of_all_others(sockets):
    first, second = udp_socket(), udp_socket()
    assert sockets.adopt({"esp4": first}) == []
    assert sockets.adopt({"esp4": second}) == [first]
    assert sockets.can_send(4, udp=True)
    assert sockets.adopt({}) == [second]
    assert not sockets.can_send(4, udp=True)
    first.close()
    second.close()


class RawSocket:
    """A raw socket for UDP that received packets."""

    type, proto = socket.SOCK_RAW, socket.IPPROTO_UDP

    def __init__(self, family, packets):
        self.family = family
        self.packets = packets

    def recvmsg(self, size, ancillary_size):
        if not self.packets:
            raise BlockingIOError
        return self.packets.pop(0), [], 0, ("192.0.2.7", 17)


def udp(length=None):
    size = 8 + len(ESP) if length is None else length
    return (40001).to_bytes(2) + (4500).to_bytes(2) + size.to_bytes(2) + bytes(2) + ESP


def test_raw_socket_gives_esp_without_its_headers(sockets):
    packet = bytes([0x46, 0x0C]) + bytes(22) + udp()
    assert sockets.receive(RawSocket(socket.AF_INET, [packet]), 9) == [(ESP, 0x0C, ("192.0.2.7", 40001))]
    assert sockets.receive(RawSocket(socket.AF_INET6, [udp()]), 9) == [(ESP, 0, ("192.0.2.7", 40001))]


@pytest.mark.parametrize("packet", [udp()[:7], udp(8), udp(7), udp(8 + len(ESP) + 1), udp(0)])
def test_raw_socket_gives_nothing_of_what_is_cut_short(sockets, packet):
    assert sockets.receive(RawSocket(socket.AF_INET6, [packet]), 9) == []
