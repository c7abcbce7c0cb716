"""Datagrams from a socket, in pieces of one length."""

import socket
from collections import Counter

import pytest

from cygnet.espd.receiving import Receiving

GRO = 104


class FakeSocket:
    """Gives what it was made with: data, ancillary data, sender; an error is raised."""

    def __init__(self, *arrivals, family=socket.AF_INET, kind=socket.SOCK_DGRAM):
        self.arrivals, self.family, self.type = list(arrivals), family, kind
        self.proto = socket.IPPROTO_UDP

    def recvmsg_into(self, buffers, room=0):
        if not self.arrivals:
            raise BlockingIOError
        data, ancillary, peer = self.arrivals.pop(0)
        if isinstance(data, OSError):
            raise data
        rest = data
        for buffer in buffers:
            buffer[: len(rest[: len(buffer)])] = rest[: len(buffer)]
            rest = rest[len(buffer) :]
        return len(data), ancillary, 0, peer


PEER, OTHER = ("192.0.2.1", 4500), ("192.0.2.7", 4500)


def gro(size: int) -> tuple[int, int, bytes]:
    return (socket.IPPROTO_UDP, GRO, size.to_bytes(4, "little"))


def tos(value: int) -> tuple[int, int, bytes]:
    return (socket.IPPROTO_IP, socket.IP_TOS, bytes((value,)))


def received(*arrivals, limit: int = 64, **more):
    lost: Counter[str] = Counter()
    pieces = Receiving(lost).receive(FakeSocket(*arrivals, **more), limit)  # type: ignore[arg-type]
    return [(bytes(data), size, outer, peer) for data, size, outer, peer in pieces], lost


def test_what_the_kernel_puts_together_is_one_piece():
    assert received((b"aaaabbbbcc", [gro(4), tos(3)], PEER))[0] == [(b"aaaabbbbcc", 4, 3, PEER)]


def test_datagrams_of_one_length_and_a_shorter_one_are_one_piece():
    found, _ = received(*[(data, [], PEER) for data in (b"aaaa", b"bbbb", b"cc", b"dd", b"eee")])
    assert found == [(b"aaaabbbbcc", 4, 0, PEER), (b"dd", 2, 0, PEER), (b"eee", 3, 0, PEER)]


def test_other_sender_or_outer_header_is_another_piece():
    found, _ = received((b"aa", [], PEER), (b"bb", [], OTHER), (b"cc", [tos(1)], OTHER), (b"", [], PEER))
    assert found == [(b"aa", 2, 0, PEER), (b"bb", 2, 0, OTHER), (b"cc", 2, 1, OTHER), (b"", 0, 0, PEER)]


def test_empty_datagrams_stay_alone():
    found, _ = received((b"", [], PEER), (b"", [], PEER), (b"aa", [], PEER), (b"", [], PEER))
    assert [data for data, _, _, _ in found] == [b"", b"", b"aa", b""]


def test_time_to_live_is_the_high_octet():
    ttl = (socket.IPPROTO_IP, 2, (64).to_bytes(4, "little"))
    [(_, _, outer, _)], _ = received((b"aa", [tos(3), ttl], PEER))
    assert outer == 64 << 8 | 3


def test_limit_is_kept_and_so_is_the_room():
    assert [len(data) for data, _, _, _ in received(*[(b"a", [], PEER)] * 9, limit=5)[0]] == [5]
    found, _ = received(*[(bytes(60000), [], PEER)] * 9)
    assert [len(data) for data, _, _, _ in found] == [60000] * 4


def test_errors_are_counted_and_end_the_round():
    error = OSError(111, "Connection refused")
    found, lost = received((b"aa", [], PEER), (error, [], PEER), (b"bb", [], PEER))
    assert found == [(b"aa", 2, 0, PEER)] and lost == {"Connection refused": 1}


class RawSocket:
    """Datagrams that wait in a socket of another kind, which says it is a raw one."""

    family, type = socket.AF_INET, socket.SOCK_RAW

    def __init__(self, *datagrams, proto=50):
        self.proto = proto
        self.own, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.own.setblocking(False)
        with other:
            for datagram in datagrams:
                other.send(datagram)

    def fileno(self):
        return self.own.fileno()


def from_raw(*datagrams, proto=50):
    own = RawSocket(*datagrams, proto=proto)
    with own.own:
        pieces = Receiving(Counter()).receive(own, 64)  # type: ignore[arg-type]
        return [(bytes(data), size, outer, peer) for data, size, outer, peer in pieces]


def raw(esp: bytes, options: bytes = b"", dscp: int = 0) -> bytes:
    header = bytes((0x45 + len(options) // 4, dscp)) + bytes(6) + bytes((61, 50)) + bytes(10)
    return header + options + esp


def test_raw_packets_lie_side_by_side_without_their_ip_headers():
    assert from_raw(raw(b"aaaa", dscp=8), raw(b"bbbb", dscp=8)) == [(b"aaaabbbb", 4, 61 << 8 | 8, None)]


@pytest.mark.parametrize("options", [bytes(4), bytes(40)])
def test_ip_options_of_raw_packets_are_left_out(options):
    found = from_raw(raw(b"aaaa", options), raw(b"bbbb"))
    assert [data for data, _, _, _ in found] == [b"aaaabbbb"]


def test_raw_packet_without_a_whole_header_is_empty():
    assert [data for data, _, _, _ in from_raw(b"\x45" + bytes(9))] == [b""]


ESP = b"\x00\x00\x12\x34" + bytes(range(20))


def udp(length=None):
    size = 8 + len(ESP) if length is None else length
    return (40001).to_bytes(2) + (4500).to_bytes(2) + size.to_bytes(2) + bytes(2) + ESP


def from_raw_udp6(*datagrams):
    arrivals = [(data, [], ("2001:db8::7", 17)) for data in datagrams]
    return received(*arrivals, family=socket.AF_INET6, kind=socket.SOCK_RAW)[0]


def test_raw_socket_for_udp_gives_esp_without_its_headers():
    header = bytes((0x46, 0x0C)) + bytes(6) + bytes((61, 17)) + bytes(2) + bytes((192, 0, 2, 7)) + bytes(8)
    found = from_raw(header + udp(), header + udp(), proto=socket.IPPROTO_UDP)
    assert found == [(ESP, len(ESP), 61 << 8 | 0x0C, ("192.0.2.7", 40001))] * 2
    assert from_raw_udp6(udp(), udp()) == [(ESP, len(ESP), 0, ("2001:db8::7", 40001))] * 2


@pytest.mark.parametrize("packet", [udp()[:7], udp(8), udp(7), udp(8 + len(ESP) + 1), udp(0)])
def test_raw_socket_for_udp_gives_nothing_of_what_is_cut_short(packet):
    assert from_raw_udp6(packet) == [(b"", 0, 0, None)]


def test_limit_of_one_reads_one_and_calls_are_counted():
    receiving, own = Receiving(Counter()), FakeSocket((b"aaaabb", [gro(4)], PEER), (b"cc", [], PEER))
    assert [bytes(data) for data, *_ in receiving.receive(own, 1)] == [b"aaaabb"]
    assert receiving.calls == 1
    assert [bytes(data) for data, *_ in receiving.receive(own, 64)] == [b"cc"]
    assert receiving.calls == 1
    assert receiving.receive(own, 1) == receiving.receive(own, 64) == []
    assert receiving.calls == 0


def test_datagrams_in_one_piece_count_as_the_calls_they_took():
    receiving = Receiving(Counter())
    receiving.receive(FakeSocket(*[(b"aaaa", [], PEER)] * 3), 64)
    assert receiving.calls == 3


def test_error_of_a_single_read_is_counted():
    found, lost = received((OSError(111, "Connection refused"), [], PEER), limit=1)
    assert (found, lost) == ([], {"Connection refused": 1})
