"""espd's outer sockets: which are used."""

import socket
from collections import Counter

import pytest

from cygnet.espd.sockets import Sockets


def udp_socket():
    own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    own.bind(("127.0.0.1", 0))
    return own


@pytest.fixture
def sockets():
    made = Sockets(Counter())
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
