"""Transport mode and BEET: what goes in comes out, with the header that both ends know."""

from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.base.dscp import DscpCopy
from cygnet.base.selectors import TrafficSelector
from cygnet.crypto.ciphers import sealer
from cygnet.crypto.transforms import Transform
from cygnet.esp.associations import InboundSa, OutboundSa
from cygnet.esp.carriages import BEET_OPTIONS, unpadded
from cygnet.esp.checksums import checksum
from cygnet.esp.records import Carriage, Drop, SaParameters

SPI = 0xC0FFEE01
OUTER = {4: ("192.0.2.1", "192.0.2.2"), 6: ("2001:db8::1", "2001:db8::2")}
INNER = {4: ("10.1.0.1", "10.2.0.1"), 6: ("fd01::1", "fd02::1")}


def own_sealer():
    return sealer(Transform(1, 20, 128), None, bytes(20))


def pair(parameters: SaParameters, **inbound: object) -> tuple[OutboundSa, InboundSa]:
    """Both ends of one SA, whose receiver has the selectors the other way round."""
    turned = replace(parameters, local_ts=parameters.remote_ts, remote_ts=parameters.local_ts, **inbound)
    return OutboundSa(parameters, own_sealer(), bytes), InboundSa(turned, own_sealer())


def transport(family: int = 4, **changes: object) -> SaParameters:
    source, destination = map(ip_address, OUTER[family])
    return SaParameters(SPI, source, destination, carriage=Carriage.TRANSPORT, **changes)


def beet(inner: int = 4, outer: int = 4) -> SaParameters:
    source, destination = map(ip_address, OUTER[outer])
    near, far = (TrafficSelector.of(text) for text in INNER[inner])
    return SaParameters(SPI, source, destination, carriage=Carriage.BEET, local_ts=(near,), remote_ts=(far,))


def ipv4(body: bytes, ends=OUTER[4], protocol: int = 6, options: bytes = b"", tos: int = 0, ttl: int = 64,
         flags: int = 0x40) -> bytes:
    size = 20 + len(options)
    head = bytes((0x40 | size // 4, tos)) + (size + len(body)).to_bytes(2, "big")
    head += bytes((0, 0, flags, 0, ttl, protocol, 0, 0))
    head += b"".join(ip_address(one).packed for one in ends) + options
    return head[:10] + checksum(head) + head[12:] + body


def ipv6(body: bytes, ends=OUTER[6], protocol: int = 6, tos: int = 0, ttl: int = 64) -> bytes:
    head = bytes((0x60 | tos >> 4, (tos & 15) << 4, 0, 0)) + len(body).to_bytes(2, "big")
    return head + bytes((protocol, ttl)) + b"".join(ip_address(one).packed for one in ends) + body


MAKE = {4: ipv4, 6: ipv6}
bodies, protocols = st.binary(max_size=1400), st.sampled_from((1, 6, 17, 47, 50, 132, 4, 41, 253))


@given(st.sampled_from((4, 6)), bodies, protocols, st.integers(0, 255), st.integers(1, 255))
def test_transport_mode_round_trip(family, body, protocol, tos, ttl):
    if protocol == 17:
        body = bytes(4) + (8 + len(body)).to_bytes(2, "big") + bytes(2) + body
    sender, receiver = pair(transport(family))
    packet = MAKE[family](body, protocol=protocol, tos=tos, ttl=ttl)
    sealed = sender.seal(packet)
    assert sender.outer(packet) == ttl << 8 | tos
    assert receiver.open(sealed, sender.outer(packet)) == packet


@given(st.sampled_from((4, 6)), st.sampled_from((4, 6)), bodies, st.integers(0, 255), st.integers(1, 255))
def test_beet_round_trip_in_all_families(inner, outer, body, tos, ttl):
    sender, receiver = pair(beet(inner, outer))
    packet = MAKE[inner](body, INNER[inner], tos=tos, ttl=ttl)
    assert receiver.open(sender.seal(packet), sender.outer(packet)) == packet


@given(st.integers(1, 10).flatmap(lambda words: st.binary(min_size=4 * words, max_size=4 * words)), bodies)
def test_beet_carries_ipv4_options(options, body):
    sender, receiver = pair(beet())
    packet = ipv4(body, INNER[4], options=options)
    assert receiver.open(sender.seal(packet), sender.outer(packet)) == packet


def plaintext_of(sealed: bytes) -> bytes:
    return own_sealer().open(sealed[8:16], sealed[16:], sealed[:8])


def test_transport_payload_is_what_follows_the_ip_header():
    sender, _ = pair(transport())
    # RFC 4303, 3.1.1: the next header of the trailer is that of the IP header
    plaintext = plaintext_of(sender.seal(ipv4(b"TCP segment", protocol=6)))
    assert plaintext[: unpadded(plaintext)] == b"TCP segment"
    assert plaintext[-1] == 6


@pytest.mark.parametrize(("size", "head"), [
    (4, bytes((6, 0, 0, 0))), (8, bytes((6, 1, 4, 0, 1, 1, 1, 1))), (40, bytes((6, 5, 4, 0, 1, 1, 1, 1))),
])
def test_beet_pseudo_header(size, head):
    """Next header, length in 8 octets without the first 8, padding's length, reserved, NOPs, options."""
    sender, _ = pair(beet())
    plaintext = plaintext_of(sender.seal(ipv4(b"body", INNER[4], options=b"\7" * size)))
    assert plaintext[-1] == BEET_OPTIONS
    assert plaintext[: unpadded(plaintext)] == head + b"\7" * size + b"body"
    assert len(head + bytes(size)) == (head[1] + 1) * 8


def sealed_with(body: bytes, next_header: int, number: int = 1) -> bytes:
    header = SPI.to_bytes(4, "big") + number.to_bytes(4, "big")
    padding = -(len(body) + 2) % 4
    plaintext = body + bytes(range(1, padding + 1)) + bytes((padding, next_header))
    return header + bytes(8) + own_sealer().seal(bytes(8), plaintext, header)


@pytest.mark.parametrize("body", [
    b"", b"\6\0\0", bytes((6, 1, 0, 0)) + bytes(4), bytes((6, 0, 9, 0)) + bytes(4),
    bytes((6, 0, 2, 0)) + bytes(4), bytes((6, 9, 4, 0)) + bytes(76),
])
def test_bad_pseudo_headers_are_dropped(body):
    _, receiver = pair(beet())
    assert receiver.open(sealed_with(body, BEET_OPTIONS)) is Drop.MALFORMED


@given(st.sampled_from((transport(4), transport(6), beet(4, 6), beet(6, 4))), st.binary(max_size=90),
       st.sampled_from((0, 4, 6, 17, 59, BEET_OPTIONS, 255)))
def test_any_authentic_payload_makes_a_packet_of_the_right_length_or_none(parameters, body, next_header):
    _, receiver = pair(parameters)
    packet = receiver.open(sealed_with(body, next_header))
    if isinstance(packet, Drop):
        return
    if packet[0] >> 4 == 4:
        assert int.from_bytes(packet[2:4], "big") == len(packet)
        assert checksum(packet[: (packet[0] & 15) * 4]) == bytes(2)
    else:
        assert int.from_bytes(packet[4:6], "big") == len(packet) - 40


def test_pseudo_header_means_nothing_in_transport_mode_and_inside_ipv6():
    for parameters in (transport(), beet(6, 4)):
        _, receiver = pair(parameters)
        packet = receiver.open(sealed_with(bytes((6, 0, 0, 0)) + bytes(4), BEET_OPTIONS))
        assert packet[9 if packet[0] >> 4 == 4 else 6] == BEET_OPTIONS


def test_wrong_padding_and_dummies_are_dropped():
    _, receiver = pair(transport())
    header = SPI.to_bytes(4, "big") + bytes((0, 0, 0, 1))
    bad = header + bytes(8) + own_sealer().seal(bytes(8), b"abcd\7\7\2\6", header)
    assert receiver.open(bad) is Drop.PADDING
    assert receiver.open(sealed_with(b"noise", 59, 2)) is Drop.DUMMY


@pytest.mark.parametrize(("packet", "why"), [
    (ipv4(b"", options=bytes(4)), Drop.OPTIONS),
    (ipv4(bytes(8), flags=0x20), Drop.FRAGMENT),
    (ipv6(bytes(8), protocol=0), Drop.OPTIONS),
    (ipv6(bytes(8), protocol=43), Drop.OPTIONS),
    (ipv6(bytes((6, 0, 0, 1)) + bytes(8), protocol=44), Drop.FRAGMENT),
    (ipv4(b"cut short")[:24], Drop.MALFORMED),
])
def test_what_transport_mode_cannot_carry_is_refused_without_using_up_a_number(packet, why):
    sender, _ = pair(transport(packet[0] >> 4))
    assert sender.seal(packet) is why
    good = sender.seal(MAKE[packet[0] >> 4](b"next"))
    assert good[4:8] == bytes((0, 0, 0, 1))


def test_checksums_are_brought_to_the_addresses_that_a_nat_made():
    """RFC 3948, 3.1.2: the sender computed it over 10.0.0.5, here it comes from 192.0.2.1."""
    before, after = ("10.0.0.5", "203.0.113.9"), OUTER[4]
    original = tuple(map(ip_address, before))
    sender, receiver = pair(transport(), original=original)

    def datagram(ends):
        body = b"\1\2\3\4" + (12).to_bytes(2, "big") + bytes(2) + b"data"
        pseudo = b"".join(ip_address(one).packed for one in ends) + bytes((0, 17, 0, 12))
        return body[:6] + checksum(pseudo + body) + body[8:]

    packet = receiver.open(sender.seal(ipv4(datagram(before), before, 17)), 64 << 8)
    assert packet == ipv4(datagram(after), after, 17)


def test_addresses_inside_stay_when_the_outer_ones_change():
    here, there = (TrafficSelector.of(text) for text in OUTER[4])
    parameters = transport(local_ts=(here,), remote_ts=(there,))
    sender, receiver = pair(parameters)
    elsewhere = ip_address("203.0.113.9")
    sender.move(replace(parameters, source=elsewhere))
    receiver.move(replace(parameters, source=elsewhere, local_ts=(there,), remote_ts=(here,)))
    packet = ipv4(b"data")
    assert receiver.open(sender.seal(packet), sender.outer(packet)) == packet


def test_tfc_padding_behind_a_udp_datagram_goes_away():
    _, receiver = pair(transport())
    body = bytes(4) + (10).to_bytes(2, "big") + bytes(2) + b"ab"
    assert receiver.open(sealed_with(body + bytes(100), 17), 64 << 8) == ipv4(body, protocol=17)


def test_transport_mode_is_never_padded_since_not_every_payload_tells_its_length():
    sender, _ = pair(transport(tfc=1000))
    assert len(sender.seal(ipv4(b"short"))) < 60


@pytest.mark.parametrize(("parameters", "more"), [(transport(4), 20), (transport(6), 40), (beet(6, 4), 40)])
def test_largest_packet_has_its_header_outside(parameters, more):
    sender, _ = pair(parameters)
    whole, _ = pair(replace(parameters, carriage=Carriage.TUNNEL))
    assert sender.inner_mtu == whole.inner_mtu + more
    version = 4 if more == 20 else 6
    packet = MAKE[version](bytes(sender.inner_mtu - more))
    assert len(sender.seal(packet)) + (20 if parameters.source.version == 4 else 40) <= 1500


@pytest.mark.parametrize(("copy", "outer", "inner"), [
    (DscpCopy.OUT, 0xB8, 0x20), (DscpCopy.IN, 0, 0x48), (DscpCopy.BOTH, 0xB8, 0x48),
    (DscpCopy.NEITHER, 0, 0x20),
])
def test_dscp_is_copied_as_told(copy, outer, inner):
    source, destination = map(ip_address, OUTER[4])
    sender, receiver = pair(SaParameters(SPI, source, destination, copy_dscp=copy))
    assert sender.outer(ipv4(b"", INNER[4], tos=0xB8)) == outer
    packet = receiver.open(sender.seal(ipv4(b"", INNER[4], tos=0x20)), 0x48)
    assert packet == ipv4(b"", INNER[4], tos=inner)
