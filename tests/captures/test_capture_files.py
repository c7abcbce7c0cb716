"""The capture reader, on files made here."""

import gzip
import struct

import pytest

UDP = struct.pack("!HHHH", 500, 501, 8 + 3, 0) + b"ike"
IPV4 = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(UDP), 0, 0, 64, 17, 0, b"src.", b"dst.") + UDP
IPV6 = struct.pack("!IHBB16s16s", 6 << 28, len(UDP), 17, 64, bytes(15) + b"\1", bytes(15) + b"\2") + UDP
MACS = bytes(12)


def pcap(frame, link=1, order="<"):
    head = struct.pack(f"{order}IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link)
    return head + struct.pack(f"{order}IIII", 0, 0, len(frame), len(frame)) + frame


def block(kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))


def pcapng(frame):
    section = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    interface = block(1, struct.pack("<HHI", 1, 0, 0))
    packet = block(6, struct.pack("<IIIII", 0, 0, 0, len(frame), len(frame)) + frame)
    simple = block(3, struct.pack("<I", len(frame)) + frame)
    return section + interface + packet + simple


def snoop(frame):
    record = struct.pack("!IIIIII", len(frame), len(frame), 24 + len(frame), 0, 0, 0)
    return b"snoop\0\0\0" + struct.pack("!II", 2, 4) + record + frame


@pytest.mark.parametrize(("octets", "count"), [
    (pcap(MACS + b"\x08\x00" + IPV4 + b"padding"), 1),
    (pcap(MACS + b"\x86\xdd" + IPV6, order=">"), 1),
    (pcap(MACS + b"\x81\x00\0\1\x08\x00" + IPV4), 1),
    (pcap(IPV4, link=101), 1),
    (pcap(b"\2\0\0\0" + IPV4, link=0), 1),
    (gzip.compress(pcap(IPV4, link=101)), 1),
    (pcapng(MACS + b"\x08\x00" + IPV4), 2),
    (snoop(MACS + b"\x08\x00" + IPV4), 1),
    (pcap(MACS + b"\x08\x06" + IPV4), 0),
    (pcap(b"", link=101), 0),
])  # fmt: skip
def test_datagrams_are_found_in_every_format(tmp_path, reader, octets, count):
    file = tmp_path / "capture"
    file.write_bytes(octets)
    assert [(one.data, one.source.port, one.destination.port) for one in reader["ike_messages"](file)] == [
        (b"ike", 500, 501)
    ] * count


@pytest.mark.parametrize(("data", "messages"), [
    (bytes(4) + b"ike", [b"ike"]), (b"espespesp", []), (b"\xff", []),
])  # fmt: skip
def test_marker_tells_ike_from_esp_on_port_4500(tmp_path, reader, data, messages):
    udp = struct.pack("!HHHH", 4500, 4500, 8 + len(data), 0) + data
    file = tmp_path / "capture"
    file.write_bytes(pcap(IPV6[:40] + udp, link=101))
    assert [one.data for one in reader["ike_messages"](file)] == messages
