"""ESP that others sent: with the keys its publishers give, what is inside comes out."""

from dataclasses import dataclass
from ipaddress import ip_address

import pytest

from cygnet.crypto.ciphers import sealer
from cygnet.crypto.transforms import Transform
from cygnet.esp.associations import InboundSa, OutboundSa
from cygnet.esp.checksums import checksum
from cygnet.esp.records import Drop, SaParameters

DES3, AES_CBC, CHACHA = Transform(1, 3), Transform(1, 12, 128), Transform(1, 28)
MD5, SHA1 = Transform(3, 1), Transform(3, 2)
KLIPS_3DES = "4043434545464649494a4a4c4c4f4f515152525454575758"
HOSTS = ip_address("192.0.2.1"), ip_address("192.0.2.2")
ICMP = 1


@dataclass(frozen=True)
class Keys:
    """Of one SA."""

    spi: int
    encryption: Transform
    integrity: Transform | None
    key: str
    integrity_key: str = ""

    def sealer(self):
        octets = map(bytes.fromhex, (self.key, self.integrity_key))
        return sealer(self.encryption, self.integrity, *octets)

    def inbound(self):
        return InboundSa(SaParameters(self.spi, *HOSTS, replay_window=64), self.sealer())


KLIPS = "libreswan-klips/08-sunrise-sunset-"
MD5_KEY = "87658765876587658765876587658765"
CAPTURES = {
    "tcpdump/02-sunrise-sunset-esp.pcap": (Keys(0x12345678, DES3, MD5, KLIPS_3DES, MD5_KEY),),
    f"{KLIPS}udpesp-ping.pcap": (Keys(0x12345678, DES3, MD5, KLIPS_3DES, MD5_KEY),),
    f"{KLIPS}esp-sha1.pcap": (Keys(0xD1234567, DES3, SHA1, KLIPS_3DES, "8765" * 10),),
    f"{KLIPS}aes128.pcap": (
        Keys(0xED123456, AES_CBC, SHA1, "aaaabbbbccccdddd4043434545464649", "8765" * 10),
    ),
    "wireshark/esp-bug-12671.pcapng.gz": (
        Keys(0x070883C2, AES_CBC, SHA1, "5de1a4c2c72662c9fda7a7c78cd25623",
             "51c9213c18232f8f26c70c4dee6e0e6d56e31e8a"),
        Keys(0xC254FE64, AES_CBC, SHA1, "88e1dad7140af03b8d4f3d734d21be4b",
             "3e00d517c1220d4b7d2950fcc02edd4b6023d278"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CAPTURES)
def test_every_packet_opens_once_to_an_icmp_message_with_right_checksums(esp_packets, name):
    sas = {keys.spi: keys.inbound() for keys in CAPTURES[name]}
    packets = esp_packets(name)
    assert packets
    for packet in packets:
        sa = sas[int.from_bytes(packet.data[:4], "big")]
        assert packet.in_udp == ("udpesp" in name)
        inner = sa.open(packet.data, packet.tos)
        assert isinstance(inner, bytes), inner
        header = (inner[0] & 15) * 4
        assert inner[9] == ICMP and checksum(inner[:header]) == checksum(inner[header:]) == b"\0\0"
        assert sa.open(packet.data, packet.tos) is Drop.REPLAY


@pytest.mark.parametrize("name", CAPTURES)
def test_changed_packets_do_not_open(esp_packets, name):
    keys, *_ = CAPTURES[name]
    packet = next(one.data for one in esp_packets(name) if one.data[:4] == keys.spi.to_bytes(4, "big"))
    for at in range(4, len(packet), 7):
        changed = packet[:at] + bytes((packet[at] ^ 1,)) + packet[at + 1 :]
        assert keys.inbound().open(changed) is Drop.INTEGRITY


def test_example_of_rfc_7634_is_what_we_would_send(capture, reader):
    """Appendix A (ESP): a plain ICMP packet, and the ESP packet made of it with IV 10111213 14151617."""
    frames = [frame for _, frame in reader["frames"](capture("rfc7634/rfc7634-appendix-b.snoop"))]
    plain, carrier = frames[0][14:], frames[1][14:]
    keys = Keys(0x01020304, CHACHA, None, bytes(range(0x80, 0xA4)).hex())
    esp = carrier[(carrier[0] & 15) * 4 :]
    length = int.from_bytes(plain[2:4], "big")
    assert keys.inbound().open(esp) == plain[:length]
    sa = OutboundSa(SaParameters(keys.spi, *HOSTS), keys.sealer(), bytes)
    sa.skip(int.from_bytes(esp[4:8], "big") - 1)
    ours = sa.seal(plain[:length])
    assert isinstance(ours, bytes)
    assert ours[:8] == esp[:8] and len(ours) == len(esp)
