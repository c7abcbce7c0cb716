"""cygnet.pluto.encoding.payloads: the list against its folder, and what each refuses."""

from importlib import import_module
from inspect import getmembers, isclass
from ipaddress import ip_address
from pathlib import Path

import pytest

import cygnet.pluto.encoding.payloads as package
from cygnet.base.errors import MalformedError, PeerError
from cygnet.pluto.encoding.attributes import MAX_ATTRIBUTES, Attribute
from cygnet.pluto.encoding.errors import DoiNotSupportedError, SituationNotSupportedError
from cygnet.pluto.encoding.payloads import (
    PAYLOADS,
    Configuration,
    Delete,
    Fragment,
    Identification,
    NatOriginalAddress,
    Nonce,
    Notification,
    Payload,
    PayloadType,
    ProposalPayload,
    SecurityAssociation,
    TransformPayload,
    Unknown,
)

TRANSFORM = TransformPayload(1, 1, (Attribute.number_of(1, 7), Attribute.number_of(12, 100_000)))
SA = SecurityAssociation((ProposalPayload(1, 1, (TRANSFORM, TransformPayload(2, 1))),))


def payload_classes_in_folder():
    for file in Path(package.__file__).parent.glob("*.py"):
        module = import_module(f"{package.__name__}.{file.stem}")
        for _, member in getmembers(module, isclass):
            if issubclass(member, Payload) and "payload_type" in vars(member):
                yield member


def test_every_payload_of_the_folder_is_listed_once():
    assert set(payload_classes_in_folder()) == set(PAYLOADS)
    assert {kind.payload_type for kind in PAYLOADS} == set(PayloadType) - {PayloadType.NONE}
    assert len(PAYLOADS) == len(PayloadType) - 1


def test_unknown_payload_is_kept_as_it_came():
    payload = Unknown(200, b"abc")
    assert (payload.payload_type, payload.build(), payload.describe()) == (200, b"abc", "(200)")


def test_security_association_has_the_octets_of_rfc_2408():
    built = SA.build()
    assert built.hex() == (
        "0000000100000001"  # DOI, situation
        "0000002401010002"  # one proposal of 36 octets: ISAKMP, two transforms
        "03000014010100008001000700"
        "0c0004000186a0"  # AF set for a short value, clear for a long one
        "0000000802010000"
    )
    assert SecurityAssociation.parse(built) == SA


@pytest.mark.parametrize(
    ("at", "octets", "error"),
    [
        (0, "00000002", DoiNotSupportedError),
        (4, "00000003", SituationNotSupportedError),
        (8, "01", MalformedError),  # next proposal of a type that there is not
        (8, "02", MalformedError),  # another proposal announced
        (10, "0023", MalformedError),  # the proposal a little too short
        (10, "0007", MalformedError),  # and much too short
        (14, "04", MalformedError),  # an SPI that is not there
        (15, "03", MalformedError),  # more transforms than there are
        (15, "01", MalformedError),  # fewer
        (16, "00", MalformedError),  # the first transform says that it is the last
        (18, "0007", MalformedError),
        (31, "ffff", MalformedError),  # an attribute that is longer than its transform
    ],
)
def test_security_association_that_lies_is_refused(at, octets, error):
    change = bytes.fromhex(octets)
    built = SA.build()
    with pytest.raises(error):
        SecurityAssociation.parse(built[:at] + change + built[at + len(change) :])


def test_proposals_come_in_order_and_are_not_too_many():
    two, one = ProposalPayload(2, 1, (TRANSFORM,)), ProposalPayload(1, 1, (TRANSFORM,))
    for proposals in ((two, one), (one,) * 65, (ProposalPayload(1, 1, (TRANSFORM,) * 255),) * 5):
        with pytest.raises(MalformedError):
            SecurityAssociation.parse(SecurityAssociation(proposals).build())
    assert SecurityAssociation.parse(SecurityAssociation((one, one, two)).build()).proposals == (
        one,
        one,
        two,
    )


@pytest.mark.parametrize(
    ("kind", "octets"),
    [
        (Nonce, "00" * 7),
        (Nonce, "00" * 257),
        (Identification, "0100"),
        (Identification, "01000000" + "0a0000"),
        (Identification, "04000000" + "0a000000ff0000"),
        (NatOriginalAddress, "01000000" + "0a0000"),
        (NatOriginalAddress, "02000000" + "61"),
        (Notification, "0000000101"),
        (Notification, "00000001010400010a0b0c"),  # SPI of four octets in three
        (Delete, "0000000103040001"),
        (Delete, "00000001030400000a0b0c0d"),  # no SPI counted
        (Delete, "00000001030000010a0b0c0d"),  # SPIs of no size
        (Delete, "00000001030400010a0b0c0d0e"),
        (Configuration, "010000"),
        (Configuration, "010000000001ffff00"),
        (Fragment, "0001000100"),  # number 0
        (Fragment, "0001"),
    ],
)
def test_payload_that_lies_is_refused(kind, octets):
    with pytest.raises(PeerError):
        kind.parse(bytes.fromhex(octets))


def test_attributes_are_limited_in_number():
    many = tuple(Attribute.number_of(3, number) for number in range(MAX_ATTRIBUTES + 1))
    assert len(Configuration.parse(Configuration(1, many[1:]).build()).attributes) == MAX_ATTRIBUTES
    with pytest.raises(MalformedError):
        Configuration.parse(Configuration(1, many).build())


def test_number_of_more_than_eight_octets_is_none():
    assert Attribute(12, b"\0\1\0\0\0").number == 1 << 24
    with pytest.raises(MalformedError):
        _ = Attribute(12, bytes(9)).number


def test_original_address_is_an_address():
    payload = NatOriginalAddress(ip_address("192.0.2.1"))
    assert payload.build().hex() == "01000000c0000201"
    assert NatOriginalAddress.parse(payload.build()) == payload


def test_payloads_describe_themselves_as_strongswan_does():
    asked = Configuration(1, (Attribute(1), Attribute(3), Attribute(999)))
    shown = (Notification(14), Notification(36136), Fragment(1, 2, 1, b""), asked, Notification(20000))
    assert [one.describe() for one in shown] == [
        "N(NO_PROP)", "N(DPD)", "FRAG(2/2)", "CPRQ(ADDR DNS (999))", "N((20000))",
    ]  # fmt: skip
