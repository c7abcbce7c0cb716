"""Every payload round-trips, and reads any octets to a payload or a PeerError."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.base.errors import PeerError
from cygnet.base.identities import Identity
from cygnet.base.selectors import TrafficSelector
from cygnet.charon.encoding.payloads import (
    PAYLOADS,
    Attribute,
    Authentication,
    CertificatePayload,
    CertificateRequest,
    Configuration,
    Delete,
    Eap,
    Encrypted,
    EncryptedFragment,
    IdentificationInitiator,
    IdentificationResponder,
    KeyExchange,
    Nonce,
    Notify,
    SecurityAssociation,
    TrafficSelectorsInitiator,
    TrafficSelectorsResponder,
    VendorId,
)
from cygnet.crypto.proposals import Proposal, Transform

u8, u16 = st.integers(0, 0xFF), st.integers(0, 0xFFFF)
octets = st.binary(max_size=64)


def identities():
    sizes = {1: 4, 5: 16, 13: 0}
    sized = {kind: st.binary(min_size=size, max_size=size) for kind, size in sizes.items()}
    kinds = st.integers(1, 255)
    return kinds.flatmap(lambda kind: st.builds(Identity, st.just(kind), sized.get(kind, octets)))


def deletes():
    sizes = {1: 0, 2: 4, 3: 4}
    return u8.flatmap(lambda protocol: _delete(protocol, sizes.get(protocol, 6)))


def _delete(protocol, size):
    spis = st.lists(st.binary(min_size=size, max_size=size), max_size=5 if size else 0)
    return st.builds(Delete, st.just(protocol), spis.map(tuple))


@st.composite
def proposals(draw, number):
    protocol = draw(u8)
    sizes = {1: st.sampled_from([0, 8]), 2: st.just(4), 3: st.just(4)}
    size = draw(sizes.get(protocol, st.integers(0, 255)))
    transforms = st.lists(st.builds(Transform, u8, u16, u16), max_size=8)
    return Proposal(protocol, tuple(draw(transforms)), draw(st.binary(min_size=size, max_size=size)), number)


@st.composite
def security_associations(draw):
    first, count = draw(st.integers(0, 100)), draw(st.integers(1, 4))
    return SecurityAssociation(tuple(draw(proposals(first + at)) for at in range(count)))


@st.composite
def selectors(draw):
    kind, bits = draw(st.sampled_from([(IPv4Address, 32), (IPv6Address, 128)]))
    start, end = sorted(draw(st.lists(st.integers(0, 2**bits - 1), min_size=2, max_size=2)))
    ports = draw(st.one_of(st.just((65535, 0)), st.tuples(u16, u16).map(lambda two: tuple(sorted(two)))))
    return TrafficSelector(kind(start), kind(end), draw(u8), *ports)


def eap_packets():
    typed = st.tuples(st.integers(1, 2), u8, st.binary(min_size=1, max_size=32))
    return st.one_of(typed, st.tuples(st.integers(3, 255), u8, octets)).map(_eap)


def _eap(packet):
    code, identifier, data = packet
    return Eap(bytes([code, identifier]) + (4 + len(data)).to_bytes(2, "big") + data)


selector_lists = st.lists(selectors(), min_size=1, max_size=5).map(tuple)
attributes = st.lists(st.builds(Attribute, st.integers(0, 0x7FFF), octets), max_size=8).map(tuple)
numbers = st.tuples(st.integers(1, 0xFFFF), st.integers(1, 0xFFFF)).map(sorted)

STRATEGIES = {
    SecurityAssociation: security_associations(),
    KeyExchange: st.builds(KeyExchange, u16, octets),
    IdentificationInitiator: st.builds(IdentificationInitiator, identities()),
    IdentificationResponder: st.builds(IdentificationResponder, identities()),
    CertificatePayload: st.builds(CertificatePayload, u8, octets),
    CertificateRequest: st.builds(CertificateRequest, u8, octets),
    Authentication: st.builds(Authentication, u8, octets),
    Nonce: st.builds(Nonce, st.binary(min_size=16, max_size=256)),
    Notify: st.builds(Notify, u16, octets, u8, st.binary(max_size=255)),
    Delete: deletes(),
    VendorId: st.builds(VendorId, octets),
    TrafficSelectorsInitiator: st.builds(TrafficSelectorsInitiator, selector_lists),
    TrafficSelectorsResponder: st.builds(TrafficSelectorsResponder, selector_lists),
    Encrypted: st.builds(Encrypted, st.just(0), octets),
    Configuration: st.builds(Configuration, u8, attributes),
    Eap: eap_packets(),
    EncryptedFragment: st.builds(lambda two, data: EncryptedFragment(0, *two, data), numbers, octets),
}

ALL = pytest.mark.parametrize("kind", PAYLOADS, ids=lambda kind: kind.__name__)


def test_every_payload_has_a_strategy():
    assert STRATEGIES.keys() == set(PAYLOADS)


@ALL
@given(data=st.data())
def test_payload_is_read_as_it_was_built(kind, data):
    payload = data.draw(STRATEGIES[kind])
    assert kind.parse(payload.build()) == payload


@ALL
@given(data=st.data())
def test_description_is_one_printable_line(kind, data):
    text = data.draw(STRATEGIES[kind]).describe()
    assert text.isprintable()
    assert kind.notation in text or text.startswith("CP")


@ALL
@given(body=st.binary(max_size=200))
def test_any_octets_are_a_payload_or_a_peer_error(kind, body):
    _read(kind, body)


@ALL
@given(data=st.data())
def test_payload_with_octets_changed_is_a_payload_or_a_peer_error(kind, data):
    body = bytearray(data.draw(STRATEGIES[kind]).build())
    for _ in range(data.draw(st.integers(1, 4))):
        if body:
            body[data.draw(st.integers(0, len(body) - 1))] = data.draw(u8)
    _read(kind, bytes(body[: data.draw(st.integers(0, len(body)))]))
    _read(kind, bytes(body))


def _read(kind, body):
    try:
        payload = kind.parse(body)
    except PeerError:
        return
    assert isinstance(payload, kind)
    assert payload.describe().isprintable()
