"""Transforms and proposals print as charon prints them."""

import pytest

from cygnet.crypto.transforms import Proposal, Protocol, Transform


@pytest.mark.parametrize(
    ("transform", "text"),
    [
        (Transform(1, 12, 128), "AES_CBC_128"),
        (Transform(1, 20, 256), "AES_GCM_16_256"),
        (Transform(1, 28), "CHACHA20_POLY1305"),
        (Transform(1, 3), "3DES_CBC"),
        (Transform(2, 5), "PRF_HMAC_SHA2_256"),
        (Transform(3, 12), "HMAC_SHA2_256_128"),
        (Transform(3, 0), "NONE"),
        (Transform(4, 31), "CURVE_25519"),
        (Transform(4, 14), "MODP_2048"),
        (Transform(4, 0), "NONE"),
        (Transform(5, 0), "NO_EXT_SEQ"),
        (Transform(5, 1), "EXT_SEQ"),
        (Transform(6, 31), "KE1_CURVE_25519"),
        (Transform(1, 1234, 77), "UNKNOWN_1_1234_77"),
        (Transform(200, 5), "UNKNOWN_200_5"),
    ],
)
def test_transform_has_its_name_in_logs(transform: Transform, text: str) -> None:
    assert str(transform) == text


def test_proposal_prints_its_types_in_charons_order() -> None:
    transforms = (Transform(5, 0), Transform(4, 19), Transform(2, 5), Transform(3, 12), Transform(1, 12, 128))
    proposal = Proposal(Protocol.IKE, transforms)
    assert str(proposal) == "IKE:AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/ECP_256/NO_EXT_SEQ"
    assert proposal.summary() == str(proposal).removeprefix("IKE:")
    assert str(Proposal(77, ())) == "PROTO_77:"


def test_proposal_hands_out_its_alternatives_and_the_choice() -> None:
    first, second, group = Transform(1, 20, 128), Transform(1, 20, 256), Transform(4, 31)
    proposal = Proposal(Protocol.ESP, (first, group, second))
    assert proposal.of_type(1) == (first, second)
    assert proposal.chosen(1) == first
    assert proposal.chosen(3) is None
    assert not proposal.is_choice
    assert Proposal(Protocol.ESP, (first, group)).is_choice
    assert proposal.with_spi(b"1234").spi == b"1234"
    assert proposal.spi == b""
