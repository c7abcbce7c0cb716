"""IKEv1: payloads and messages round-trip, in fragments too, and any octets are a message or a PeerError."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.base.errors import PeerError
from cygnet.pluto.encoding.attributes import Attribute
from cygnet.pluto.encoding.fragments import Reassembler, split
from cygnet.pluto.encoding.message import Envelope, build_message, chain, parse_message, read_payloads
from cygnet.pluto.encoding.payloads import (
    PAYLOADS,
    CertificatePayload,
    CertificateRequest,
    Configuration,
    Delete,
    Fragment,
    HashPayload,
    Identification,
    KeyExchange,
    NatDetection,
    NatDetectionDraft,
    NatOriginalAddress,
    NatOriginalAddressDraft,
    Nonce,
    Notification,
    ProposalPayload,
    SecurityAssociation,
    SignaturePayload,
    TransformPayload,
    Unknown,
    VendorId,
)

u8, u16, u32 = (st.integers(0, 2**bits - 1) for bits in (8, 16, 32))
octets = st.binary(max_size=64)
basic = st.builds(Attribute, st.integers(0, 0x7FFF), st.binary(min_size=2, max_size=2), st.just(True))
variable = st.builds(Attribute, st.integers(0, 0x7FFF), octets)
attributes = st.lists(st.one_of(basic, variable), max_size=6).map(tuple)
transforms = st.lists(st.builds(TransformPayload, u8, u8, attributes), max_size=4).map(tuple)
proposals = st.lists(st.tuples(u8, u8, transforms, st.binary(max_size=8)), min_size=1, max_size=4)
addresses = st.ip_addresses()
OF = {
    SecurityAssociation: st.builds(
        SecurityAssociation,
        proposals.map(
            lambda rows: tuple(ProposalPayload(*one) for one in sorted(rows, key=lambda one: one[0]))
        ),
    ),
    KeyExchange: st.builds(KeyExchange, octets),
    Identification: st.builds(Identification, st.sampled_from((2, 3, 9, 11, 99)), u8, u16, octets),
    CertificatePayload: st.builds(CertificatePayload, u8, octets),
    CertificateRequest: st.builds(CertificateRequest, u8, octets),
    HashPayload: st.builds(HashPayload, octets),
    SignaturePayload: st.builds(SignaturePayload, octets),
    Nonce: st.builds(Nonce, st.binary(min_size=8, max_size=256)),
    Notification: st.builds(Notification, u16, octets, u8, octets, u32),
    Delete: st.integers(1, 16).flatmap(
        lambda size: st.builds(
            Delete,
            u8,
            st.lists(st.binary(min_size=size, max_size=size), min_size=1, max_size=4).map(tuple),
            u32,
        )
    ),
    VendorId: st.builds(VendorId, octets),
    Configuration: st.builds(Configuration, u8, attributes, u16),
    NatDetection: st.builds(NatDetection, octets),
    NatDetectionDraft: st.builds(NatDetectionDraft, octets),
    NatOriginalAddress: st.builds(NatOriginalAddress, addresses),
    NatOriginalAddressDraft: st.builds(NatOriginalAddressDraft, addresses),
    Fragment: st.builds(Fragment, u16, st.integers(1, 255), u8, octets),
}
payloads = st.one_of(*OF.values(), st.builds(Unknown, st.integers(200, 255), octets))
chains = st.lists(payloads, max_size=8).map(tuple)
ENVELOPE = Envelope(b"initiate", b"responde", 2, 0)


def built(payloads):
    written = chain(payloads)
    return build_message(ENVELOPE, written.first, written.octets)


def read(data):
    parsed = parse_message(data)
    if parsed.fragmented:
        Reassembler().add(parsed)
    return read_payloads(parsed, parsed.body)


@pytest.mark.parametrize("kind", PAYLOADS)
def test_payload_round_trips(kind):
    @given(payload=OF[kind])
    def round_trip(payload):
        assert kind.parse(payload.build()) == payload
        assert payload.describe()

    round_trip()


@pytest.mark.parametrize("kind", PAYLOADS)
def test_any_octets_are_a_payload_or_a_peer_error(kind):
    @given(data=st.binary(max_size=200))
    def parse(data):
        with suppress(PeerError):
            kind.parse(data)

    parse()


@given(payloads=chains)
def test_message_round_trips(payloads):
    message = read(built(payloads)) if not payloads or payloads[0].payload_type != 132 else None
    assert message is None or message.payloads == payloads


@given(payloads=chains, limit=st.integers(80, 1500), data=st.data())
def test_fragments_arrive_in_any_order_and_more_than_once(payloads, limit, data):
    whole = built(payloads)
    parts = split(whole, ENVELOPE, 1, limit)
    assert all(len(part) <= limit for part in parts)
    reassembler = Reassembler()
    arrived = data.draw(st.permutations(parts + parts[:3]))
    made = [one for one in (reassembler.add(parse_message(part)) for part in arrived) if one]
    assert made[0] == whole


@given(data=st.binary(max_size=400))
def test_any_datagram_is_a_message_or_a_peer_error(data):
    with suppress(PeerError):
        read(data)


@given(payloads=chains, data=st.data())
def test_changed_datagram_is_a_message_or_a_peer_error(payloads, data):
    changed = bytearray(built(payloads))
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(u8)
    with suppress(PeerError):
        read(bytes(changed))
