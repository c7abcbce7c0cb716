"""cygnet.pluto.encoding: algorithms, methods, phase1_offers, phase2_offers"""

import hashlib

import pytest

from cygnet.crypto.proposals import Protocol, parse_proposals
from cygnet.crypto.selection import select
from cygnet.crypto.tables import TransformType
from cygnet.pluto.encoding import phase1_offers, phase2_offers
from cygnet.pluto.encoding.algorithms import PHASE1_HASHES
from cygnet.pluto.encoding.attributes import Attribute
from cygnet.pluto.encoding.errors import BadProposalSyntaxError
from cygnet.pluto.encoding.methods import METHODS, method_row
from cygnet.pluto.encoding.payloads import ProposalPayload, SecurityAssociation, TransformPayload
from cygnet.pluto.encoding.phase2_offers import Life, Wish, life_of
from cygnet.pluto.encoding.vendor_ids import VENDOR_IDS, Feature, best_natt, recognise

PSK = method_row(1)
IKE = parse_proposals("aes128-sha256-modp2048,aes256-sha1-modp3072!", Protocol.IKE)
ESP = parse_proposals("aes128-sha256,aes256gcm16!", Protocol.ESP)
SPI = b"spi1"


def test_phase_1_offer_is_read_as_it_was_meant():
    terms, reasons = phase1_offers.read(phase1_offers.offer(IKE, (PSK,), 86400))
    assert not reasons
    assert [(one.method, one.lifetime_s) for one in terms] == [(PSK, 86400)] * 2
    for ours, theirs in zip(IKE, terms, strict=True):
        assert set(theirs.proposal.transforms) == set(ours.transforms)
    assert select([one.proposal for one in terms], IKE[1:]).proposal.number == 2


def test_answer_is_the_transform_unchanged():
    offered = phase1_offers.offer(IKE, (PSK,), 3600)
    terms, _ = phase1_offers.read(offered)
    (proposal,) = terms[1].answer().proposals
    assert proposal.transforms == (offered.proposals[0].transforms[1],)


def test_aggressive_mode_offers_one_group():
    offered = phase1_offers.offer(IKE, (PSK,), 3600, one_group=True)
    assert len(offered.proposals[0].transforms) == 1


def test_what_ikev1_does_not_know_is_left_out():
    only_new = parse_proposals("aes128gcm16-prfsha256-curve25519!", Protocol.IKE)
    assert len(phase1_offers.offer((*only_new, *IKE), (PSK,), 0).proposals[0].transforms) == 2
    with pytest.raises(ValueError, match="IKEv1"):
        phase1_offers.offer(only_new, (PSK,), 0)


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({1: 7, 2: 4, 3: 1}, "attribute 4 is missing"),
        ({1: 999, 2: 4, 3: 1, 4: 14}, "encryption algorithm 999"),
        ({1: 7, 2: 99, 3: 1, 4: 14}, "hash algorithm 99"),
        ({1: 7, 2: 4, 3: 2, 4: 14}, "authentication method 2"),
        ({1: 7, 2: 4, 3: 1, 4: 14, 16: 1}, "attribute 16"),
    ],
)
def test_transform_that_is_not_understood_has_a_reason(attributes, reason):
    transform = TransformPayload(1, 1, tuple(Attribute.number_of(*one) for one in attributes.items()))
    terms, reasons = phase1_offers.read(SecurityAssociation((ProposalPayload(1, 1, (transform,)),)))
    assert terms == () and reason in reasons[0]


def test_phase_2_offer_is_read_as_it_was_meant():
    wish = Wish(1, Life(3600, 5000), 14)
    terms, reasons = phase2_offers.read(phase2_offers.offer(ESP, wish, SPI))
    assert not reasons
    assert [one.proposal.chosen(TransformType.ENCR).number for one in terms] == [12, 20]
    for one in terms:
        assert (one.proposal.spi, one.encapsulation, one.life, one.group) == (SPI, 1, wish.life, 14)
    assert terms[0].answer(b"spi2", None).proposals[0].spi == b"spi2"


def test_compression_is_offered_beside_all_of_esp_and_left_out_then():
    wish = Wish(1, Life(3600, 0), 0)
    offered = phase2_offers.offer(ESP, wish, SPI, ((2,), b"\1\2"))
    assert [(one.number, one.protocol) for one in offered.proposals] == [(1, 3), (1, 4), (2, 3)]
    terms, _ = phase2_offers.read(offered)
    assert [one.compression is not None for one in terms] == [True, True, False, False]


def test_ah_has_its_transform_and_the_attribute():
    ah = parse_proposals("sha256!", Protocol.AH)
    terms, reasons = phase2_offers.read(phase2_offers.offer(ah, Wish(2, Life(3600, 0), 0), SPI))
    assert not reasons and terms[0].source.protocol == Protocol.AH
    assert terms[0].transform.id == 5


def test_esp_and_ah_together_are_refused_with_a_reason():
    both = SecurityAssociation(
        (
            ProposalPayload(1, 2, (TransformPayload(1, 5),), SPI),
            ProposalPayload(1, 3, (TransformPayload(1, 12),), SPI),
        )
    )
    terms, reasons = phase2_offers.read(both)
    assert terms == () and "not both" in reasons[0]


def test_lifetime_of_an_unknown_unit_is_bad_syntax():
    with pytest.raises(BadProposalSyntaxError):
        life_of((Attribute.number_of(1, 9), Attribute.number_of(2, 1)), Life())


def test_lifetime_left_out_is_the_default():
    assert life_of((), Life(10, 20)) == Life(10, 20)
    assert life_of(phase2_offers.lifetime_attributes(Life(7, 8)), Life()) == Life(7, 8)


def test_methods_and_hashes_are_unique():
    assert len({row.number for row in METHODS}) == len(METHODS)
    assert len({row.v1 for row in PHASE1_HASHES}) == len(PHASE1_HASHES)
    assert all(hashlib.new(row.name) for row in PHASE1_HASHES)


def test_vendor_ids_are_the_md5_of_their_texts():
    """RFC 3947, 3.1 says of which text its own is the MD5; the drafts' are made the same way."""
    texts = {"RFC 3947": Feature.NATT_RFC, "draft-ietf-ipsec-nat-t-ike-03": Feature.NATT_03}
    for text, feature in texts.items():
        row = recognise(hashlib.md5(text.encode(), usedforsecurity=False).digest())
        assert row is not None and row.feature is feature
    assert recognise(bytes(16)) is None


def test_vendor_ids_do_not_hide_each_other():
    assert all(recognise(row.sent) is row for row in VENDOR_IDS)


def test_best_nat_traversal_is_the_rfc():
    assert best_natt({Feature.NATT_02, Feature.NATT_RFC, Feature.DPD}) is Feature.NATT_RFC
    assert best_natt({Feature.NATT_02}) is Feature.NATT_02
    assert best_natt({Feature.DPD}) is None


@pytest.mark.parametrize(
    ("transform", "spi", "reason"),
    [
        (TransformPayload(1, 99), SPI, "ESP transform 99"),
        (TransformPayload(1, 12, (Attribute.number_of(5, 99),)), SPI, "authentication algorithm 99"),
        (TransformPayload(1, 12, (Attribute.number_of(99, 1),)), SPI, "attribute 99"),
        (
            TransformPayload(1, 12, (Attribute.number_of(5, 2), Attribute.number_of(5, 5))),
            SPI,
            "contradicts itself",
        ),
        (TransformPayload(1, 12, (Attribute.number_of(11, 2),)), SPI, "extended sequence numbers"),
        (TransformPayload(1, 12, (Attribute.number_of(1, 9), Attribute.number_of(2, 9))), SPI, "unit 9"),
        (TransformPayload(1, 12, (Attribute(5, bytes(9)),)), SPI, "a number of 9 octets"),
        (TransformPayload(1, 12), b"12", "SPI of 2 octets"),
    ],
)
def test_transform_of_phase_2_that_is_not_understood_has_a_reason(transform, spi, reason):
    terms, reasons = phase2_offers.read(SecurityAssociation((ProposalPayload(1, 3, (transform,), spi),)))
    assert terms == () and reason in reasons[0]


@pytest.mark.parametrize(
    ("transform", "reason"),
    [
        (TransformPayload(1, 99), "AH transform 99"),
        (
            TransformPayload(1, 5, (Attribute.number_of(5, 2),)),
            "AH transform 5 with authentication algorithm 2",
        ),
    ],
)
def test_ah_transform_must_fit_its_attribute(transform, reason):
    terms, reasons = phase2_offers.read(SecurityAssociation((ProposalPayload(1, 2, (transform,), SPI),)))
    assert terms == () and reason in reasons[0]


def test_other_protocols_have_a_reason():
    odd = ProposalPayload(1, 9, (TransformPayload(1, 1),), SPI)
    esp = ProposalPayload(1, 3, (TransformPayload(1, 12),), SPI)
    assert "protocols 9" in phase2_offers.read(SecurityAssociation((odd,)))[1][0]
    assert "protocol 9 is not supported" in phase2_offers.read(SecurityAssociation((odd, esp)))[1][0]
    assert "protocol 9 in phase 1" in phase1_offers.read(SecurityAssociation((odd,)))[1][0]


def test_defaults_of_what_a_transform_leaves_out():
    esp = ProposalPayload(1, 3, (TransformPayload(1, 12),), SPI)
    (terms,), _ = phase2_offers.read(SecurityAssociation((esp,)))
    assert (terms.life, terms.encapsulation, terms.group) == (Life(28800, 0), 1, 0)
    assert terms.proposal.chosen(TransformType.ENCR).key_bits == 128


def test_lifetime_notify_round_trips():
    data = phase2_offers.build_lifetime(Life(7200, 100_000))
    assert life_of(phase2_offers.read_lifetime(data), Life()) == Life(7200, 100_000)


def test_nothing_to_offer_is_an_error_of_ours():
    with pytest.raises(ValueError, match="IKEv1"):
        phase2_offers.offer((), Wish(1, Life(), 0), SPI)


def test_kinds_of_numbers_do_not_matter_for_what_is_said():
    short = TransformPayload(1, 1, (Attribute.number_of(4, 14), Attribute.number_of(12, 10)))
    long = TransformPayload(1, 1, (Attribute(12, bytes(4)), Attribute(4, b"\0\0\0\x0e")))
    assert phase1_offers.algorithms_of(short) == phase1_offers.algorithms_of(long) == {4: 14}
