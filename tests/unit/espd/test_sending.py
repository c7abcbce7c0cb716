"""Datagrams to a socket: many at once, and one by one where the kernel does not cut."""

import errno
import socket
from collections import Counter
from ipaddress import ip_address

import pytest

from cygnet.esp.associations import OutboundSa
from cygnet.esp.records import SaParameters
from cygnet.espd.sending import Sending
from cygnet.espd.ways import Way
from espkit import OUTER, SPI, own_sealer

SEGMENT = 103
WANT, DO = 1, 2


class FakeSocket:
    """Notes what is sent; ``refusals`` are errors to raise first, those of ``cutting`` for bursts only."""

    type = socket.SOCK_DGRAM

    def __init__(self, refusals=(), cutting=()):
        self.sent: list[tuple[list[bytes], int, tuple[str, int]]] = []
        self.refusals, self.cutting = list(refusals), list(cutting)
        self.discovery: list[int] = []

    def setsockopt(self, level, option, value):
        assert (level, option) == (socket.IPPROTO_IP, 10)
        self.discovery.append(value)

    def sendmsg(self, parts, ancillary, flags, address):
        size = next((int.from_bytes(data, "little") for _, kind, data in ancillary if kind == SEGMENT), 0)
        pending = self.cutting if size else self.refusals
        if pending:
            raise OSError(pending.pop(0), "refused")
        self.sent.append(([bytes(part) for part in parts], size, address))


def sa_over(own) -> OutboundSa:
    sa = OutboundSa(SaParameters(SPI, *OUTER, encapsulation=(4500, 4501)), own_sealer(), bytes)
    sa.attachment = Way(own, *OUTER, (4500, 4501))
    return sa


def way_of(sa: OutboundSa) -> Way:
    assert isinstance(sa.attachment, Way)
    return sa.attachment


def send(own, *datas: bytes, size: int = 0) -> Counter[str]:
    lost: Counter[str] = Counter()
    sa = sa_over(own)
    Sending(lost, way_of).send([(sa, 0, data, size or len(data)) for data in datas])
    return lost


def test_equal_datagrams_leave_by_one_call():
    own = FakeSocket()
    assert not send(own, b"aaaa", b"bbbb", b"cc")
    assert own.sent == [([b"aaaa", b"bbbb", b"cc"], 4, ("192.0.2.2", 4501))]


def test_single_datagram_is_not_to_be_cut():
    own = FakeSocket()
    send(own, b"aaaa")
    assert own.sent == [([b"aaaa"], 0, ("192.0.2.2", 4501))]


@pytest.mark.parametrize("number", [errno.EIO, errno.EINVAL, errno.EMSGSIZE])
def test_what_the_kernel_does_not_cut_leaves_one_by_one(number):
    own = FakeSocket(cutting=[number])
    assert not send(own, b"aaaabbbbcc", size=4)
    assert [parts for parts, _, _ in own.sent] == [[b"aaaa"], [b"bbbb"], [b"cc"]]


def test_device_that_cannot_cut_is_not_asked_again_but_a_narrow_path_is():
    for number, bursts in ((errno.EIO, 0), (errno.EMSGSIZE, 1)):
        own, lost = FakeSocket(cutting=[number]), Counter[str]()
        sa, sending = sa_over(own), Sending(lost, way_of)
        for _ in range(2):
            sending.send([(sa, 0, b"aaaabbbb", 4)])
        assert sum(size > 0 for _, size, _ in own.sent) == bursts


def test_full_buffer_loses_all_of_a_burst_and_counts_them():
    own = FakeSocket(cutting=[errno.EAGAIN])
    assert send(own, b"aaaabbbbcc", size=4) == {"refused": 3}
    assert send(FakeSocket([errno.ENOBUFS]), b"aaaa") == {"refused": 1}


def test_error_of_an_earlier_packet_does_not_lose_this_one():
    own = FakeSocket([errno.ECONNREFUSED])
    assert not send(own, b"aaaa")
    assert send(FakeSocket([errno.ECONNREFUSED] * 2), b"aaaa") == {"refused": 1}


def test_what_is_too_large_for_the_path_leaves_in_fragments():
    own = FakeSocket([errno.EMSGSIZE])
    assert not send(own, b"aaaa")
    assert own.sent[0][0] == [b"aaaa"]
    assert own.discovery == [WANT, DO]


def test_raw_sockets_are_not_asked_to_cut_and_udp_headers_are_ours_to_write():
    own = FakeSocket()
    own.type = socket.SOCK_RAW
    send(own, b"aaaabbbbcc", size=4)
    assert [(parts[0][8:], size, address[1]) for parts, size, address in own.sent] == [
        (b"aaaa", 0, 0), (b"bbbb", 0, 0), (b"cc", 0, 0)
    ]  # fmt: skip
    header = own.sent[2][0][0][:8]
    assert [int.from_bytes(header[at : at + 2]) for at in (0, 2, 4, 6)] == [4500, 4501, 10, 0]


def test_outer_tos_and_ttl_are_in_the_ancillary_data_and_kept():
    way = Way(FakeSocket(), *OUTER, (4500, 4500))  # type: ignore[arg-type]
    assert [kind for _, kind, _ in way.ancillary(0)] == [8]
    assert [(kind, data[0]) for _, kind, data in way.ancillary(63 << 8 | 0xB8)][1:] == [(1, 0xB8), (2, 63)]
    assert way.ancillary(1) is way.ancillary(1)
    sixes = ip_address("2001:db8::1"), ip_address("2001:db8::2")
    wider = Way(FakeSocket(), *sixes, (4500, 4500)).ancillary(63 << 8 | 0xB8)  # type: ignore[arg-type]
    assert [kind for _, kind, _ in wider] == [50, 67, 52]
