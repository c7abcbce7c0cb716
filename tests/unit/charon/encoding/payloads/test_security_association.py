"""cygnet.charon.encoding.payloads.security_association"""

import pytest

from cygnet.base.errors import MalformedError
from cygnet.charon.encoding.payloads import SecurityAssociation
from cygnet.charon.encoding.payloads.security_association import MAX_PROPOSALS, UNKNOWN_ATTRIBUTE
from cygnet.crypto.proposals import Proposal, Protocol, Transform, default_proposals, select

GCM = Transform(1, 20, 256)
NO_ESN = Transform(5, 0)
ESP = SecurityAssociation((Proposal(Protocol.ESP, (GCM, NO_ESN), b"\xc1\x02\x03\x04", 1),))
# Last, reserved, length 32; number 1, ESP, SPI of 4, 2 transforms; SPI; GCM with key length; no ESN.
ESP_OCTETS = bytes.fromhex(
    "0000 0020 01 03 04 02 c1020304"
    "0300 000c 01 00 0014 800e 0100"
    "0000 0008 05 00 0000"
)  # fmt: skip


def altered(at, *octets):
    body = bytearray(ESP_OCTETS)
    body[at : at + len(octets)] = octets
    return bytes(body)


def proposal(number, last, transforms=b"", count=0, protocol=3):
    return bytes([last, 0, 0, 12 + len(transforms), number, protocol, 4, count]) + b"abcd" + transforms


def gcm_with(attributes):
    return bytes([0, 0, 0, 8 + len(attributes), 1, 0, 0, 20]) + attributes


def parse_attributes(attributes):
    return SecurityAssociation.parse(proposal(1, 0, gcm_with(attributes), 1)).proposals[0].transforms[0]


def test_proposal_is_read_and_written():
    assert SecurityAssociation.parse(ESP_OCTETS) == ESP
    assert ESP.build() == ESP_OCTETS


def test_default_proposals_survive():
    for protocol in Protocol:
        spi = b"" if protocol is Protocol.IKE else b"abcd"
        proposals = tuple(
            Proposal(one.protocol, one.transforms, spi, number)
            for number, one in enumerate(default_proposals(protocol), 1)
        )
        assert SecurityAssociation.parse(SecurityAssociation(proposals).build()).proposals == proposals


@pytest.mark.parametrize("size", range(len(ESP_OCTETS)))
def test_truncated_anywhere_is_malformed(size):
    with pytest.raises(MalformedError):
        SecurityAssociation.parse(ESP_OCTETS[:size])


@pytest.mark.parametrize(("body", "what"), [
    (altered(0, 1), "last substructure 1"),
    (altered(0, 2), "octets expected"),
    (altered(3, 7), "length 7"),
    (altered(3, 31), "octets expected"),
    (altered(3, 33), "octets expected"),
    (altered(6, 8), "SPI of 8"),
    (altered(7, 1), "last substructure 3"),
    (altered(7, 3), "last substructure 0"),
    (altered(12, 0), "last substructure 0"),
    (altered(12, 9), "last substructure 9"),
    (altered(15, 7), "length 7"),
    (altered(15, 0), "length 0"),
    (ESP_OCTETS + b"\0", "left over"),
    (proposal(1, 0, bytes(8), 0), "left over"),
])  # fmt: skip
def test_lying_lengths_and_counts_are_malformed(body, what):
    with pytest.raises(MalformedError, match=what):
        SecurityAssociation.parse(body)


def test_reserved_octets_are_ignored():
    assert SecurityAssociation.parse(altered(1, 0xFF)) == ESP


def test_proposals_are_numbered_one_after_the_other():
    good = proposal(1, 2) + proposal(2, 2) + proposal(3, 0)
    assert [one.number for one in SecurityAssociation.parse(good).proposals] == [1, 2, 3]
    for bad in (proposal(1, 2) + proposal(3, 0), proposal(1, 2) + proposal(1, 0)):
        with pytest.raises(MalformedError, match="after 1"):
            SecurityAssociation.parse(bad)


def test_answer_may_have_any_number():
    assert SecurityAssociation.parse(proposal(7, 0)).proposals[0].number == 7


def test_too_many_proposals_are_refused():
    body = b"".join(proposal(number, 2) for number in range(1, MAX_PROPOSALS + 2))
    with pytest.raises(MalformedError, match="too many"):
        SecurityAssociation.parse(body)


def test_too_many_transforms_are_refused():
    transforms = bytes.fromhex("0300000801000014") * 249 + bytes.fromhex("0000000801000014")
    length = (12 + len(transforms)).to_bytes(2, "big")
    body = b"".join(
        b"\2\0" + length + bytes([number, 3, 4, 250]) + b"abcd" + transforms for number in range(1, 6)
    )
    with pytest.raises(MalformedError, match="too many"):
        SecurityAssociation.parse(body)


def test_unknown_protocol_and_transform_type_survive():
    body = proposal(1, 0, bytes.fromhex("00000008f1001234"), 1, protocol=200)
    assert SecurityAssociation.parse(body).proposals == (Proposal(200, (Transform(241, 0x1234),), b"abcd"),)


def test_key_length_is_read():
    assert parse_attributes(bytes.fromhex("800e0080")) == Transform(1, 20, 128)


@pytest.mark.parametrize("attributes", [
    "800f0080",
    "000e00020080",
    "00120003616263",
    "800e0080 80630001",
    "00120003616263 800e0080",
])  # fmt: skip
def test_transform_with_unknown_attribute_is_never_chosen(attributes):
    """RFC 7296, 3.3.6: a transform with an attribute not understood is not acceptable."""
    transform = parse_attributes(bytes.fromhex(attributes))
    assert transform.key_bits == UNKNOWN_ATTRIBUTE
    offered = (Proposal(Protocol.ESP, (transform, NO_ESN)),)
    ours = tuple(Proposal(Protocol.ESP, (Transform(1, 20, bits), NO_ESN)) for bits in (0, 128, 256))
    assert select(offered, ours, ignore_ke=True).proposal is None


@pytest.mark.parametrize("attributes", [
    "80", "800e00", "001200ff616263", "800e0080 800e0100", "000e00020080 800e0100",
])  # fmt: skip
def test_broken_attributes_are_malformed(attributes):
    with pytest.raises(MalformedError):
        parse_attributes(bytes.fromhex(attributes))
