"""espd's outer sockets: which are used."""

import socket
from collections import Counter
from ipaddress import ip_address

import pytest

from cygnet.esp.associations import OutboundSa
from cygnet.esp.records import SaParameters
from cygnet.espd.sockets import Sockets
from espkit import own_sealer


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


@pytest.mark.root
def test_sas_between_the_same_ends_leave_together(sockets):
    own, far = udp_socket(), udp_socket()
    far.setsockopt(socket.IPPROTO_UDP, 104, 1)  # UDP_GRO: what left together is told of as such
    far.settimeout(2)
    sockets.adopt({"esp4": own})
    ports = own.getsockname()[1], far.getsockname()[1]
    here = ip_address("127.0.0.1")
    both = [
        OutboundSa(SaParameters(spi, here, here, encapsulation=ports), own_sealer(), bytes) for spi in (1, 2)
    ]
    sockets.send([(sa, 0, bytes((number,)) * 4, 4) for number, sa in enumerate(both)])
    assert both[0].attachment is both[1].attachment
    data, ancillary, _, _ = far.recvmsg(100, 100)
    assert data == bytes(4) + b"\1" * 4
    assert [kind for _, kind, _ in ancillary] == [104]
    other = udp_socket()
    sockets.adopt({"esp4": other})
    both[0].attachment = None  # as espd does with new sockets
    sockets.send([(both[0], 0, b"anew", 4)])
    assert far.recvmsg(100, 100)[3] == other.getsockname()
    own.close()
    far.close()
