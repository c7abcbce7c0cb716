"""Choosing a proposal, and saying why none was chosen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.crypto.proposals import Proposal, Protocol, Transform, default_proposals, parse_proposals, select

IKE, ESP, AH = Protocol.IKE, Protocol.ESP, Protocol.AH
GCM, CBC, SHA256, NOESN = Transform(1, 20, 128), Transform(1, 12, 128), Transform(3, 12), Transform(5, 0)

transform_values = st.builds(
    Transform, st.integers(0, 13), st.integers(0, 40), st.sampled_from((0, 128, 192, 256, 77))
)
proposal_values = st.builds(
    Proposal,
    st.integers(0, 5),
    st.lists(transform_values, max_size=8).map(tuple),
    st.binary(max_size=8),
    st.integers(0, 255),
)


def chosen(offered: str, ours: str, protocol: Protocol, **options: bool) -> str:
    selection = select(parse_proposals(offered, protocol), parse_proposals(ours, protocol), **options)
    return str(selection.proposal)


@pytest.mark.parametrize(
    ("offered", "ours", "result"),
    [
        (
            "aes128-aes256-sha256-sha512-x25519-ecp256!",
            "aes256-sha256-ecp256!",
            "AES_CBC_256/HMAC_SHA2_256_128/",
        ),
        (
            "aes128-sha256-ecp256,aes256gcm16-prfsha256-ecp256!",
            "aes256gcm16-prfsha256-ecp256!",
            "AES_GCM_16_256/PRF",
        ),
        ("aes128-sha256-ecp256!", "", "AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/ECP_256"),
        ("", "", "AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/CURVE_25519"),
    ],
)
def test_common_algorithms_are_chosen(offered: str, ours: str, result: str) -> None:
    assert chosen(offered, ours, IKE).startswith(f"IKE:{result}")


def test_preference_is_ours_or_the_peers() -> None:
    offered, ours = "aes128-aes256-sha256,aes128gcm16!", "aes128gcm16,aes256-aes128-sha256!"
    assert chosen(offered, ours, ESP) == "ESP:AES_GCM_16_128/NO_EXT_SEQ"
    assert chosen(offered, ours, ESP, prefer_ours=False) == "ESP:AES_CBC_128/HMAC_SHA2_256_128/NO_EXT_SEQ"
    assert chosen("aes128-aes256-sha256!", "aes256-aes128-sha256!", ESP).startswith("ESP:AES_CBC_256")


def test_result_carries_the_peers_number_and_spi() -> None:
    offered = Proposal(ESP, (GCM, NOESN), b"\1\2\3\4", 7)
    selection = select([offered], default_proposals(ESP))
    assert selection.proposal == offered
    assert selection.reasons == ()


def test_reasons_name_the_type_and_both_sides() -> None:
    selection = select(
        parse_proposals("aes128-sha256-modp2048!", IKE), parse_proposals("aes128-sha256-x25519-ecp256!", IKE)
    )
    assert selection.proposal is None
    assert selection.reasons == (
        "no acceptable KEY_EXCHANGE_METHOD found (received MODP_2048, configured CURVE_25519/ECP_256)",
    )


@pytest.mark.parametrize(
    ("offered", "ours", "kind"),
    [
        ("aes128-sha256!", "aes256-sha256!", "ENCRYPTION_ALGORITHM"),
        ("aes128-sha256!", "aes128-sha512!", "INTEGRITY_ALGORITHM"),
        ("aes128-sha256-esn!", "aes128-sha256-noesn!", "EXTENDED_SEQUENCE_NUMBERS"),
        ("aes128-sha256!", "aes128-sha256-ecp256!", "KEY_EXCHANGE_METHOD"),
        ("aes128-sha256-ecp256!", "aes128-sha256!", "KEY_EXCHANGE_METHOD"),
    ],
)
def test_each_difference_has_its_reason(offered: str, ours: str, kind: str) -> None:
    selection = select(parse_proposals(offered, ESP), parse_proposals(ours, ESP))
    assert selection.proposal is None
    assert selection.reasons[0].startswith(f"no acceptable {kind} found")


def test_key_exchange_does_not_matter_within_ike_auth() -> None:
    assert (
        chosen("aes128gcm16!", "aes128gcm16-ecp256!", ESP, ignore_ke=True) == "ESP:AES_GCM_16_128/NO_EXT_SEQ"
    )
    assert (
        chosen("aes128gcm16-ecp256!", "aes128gcm16!", ESP, ignore_ke=True) == "ESP:AES_GCM_16_128/NO_EXT_SEQ"
    )


def test_none_for_key_exchange_agrees_with_leaving_it_out() -> None:
    assert chosen("aes128gcm16-ecp256-none!", "aes128gcm16!", ESP) == "ESP:AES_GCM_16_128/NONE/NO_EXT_SEQ"
    assert chosen("aes128gcm16!", "aes128gcm16-ecp256-none!", ESP) == "ESP:AES_GCM_16_128/NO_EXT_SEQ"


def test_aead_with_integrity_none_is_answered_with_it() -> None:
    none = Transform(3, 0)
    selection = select([Proposal(ESP, (GCM, none, NOESN))], default_proposals(ESP))
    assert selection.proposal is not None
    assert set(selection.proposal.transforms) == {GCM, none, NOESN}


def test_aead_beside_other_ciphers_is_chosen_without_integrity() -> None:
    mixed = Proposal(ESP, (GCM, CBC, SHA256, NOESN))
    selection = select([mixed], parse_proposals("aes128gcm16!", ESP))
    assert selection.proposal is not None
    assert selection.proposal.transforms == (GCM, NOESN)


@pytest.mark.parametrize("integrity", [(), (Transform(3, 0),)])
def test_cipher_without_integrity_is_refused(integrity: tuple[Transform, ...]) -> None:
    bare = Proposal(ESP, (CBC, *integrity, NOESN))
    assert select([bare], default_proposals(ESP)).proposal is None
    selection = select([bare], [bare])
    assert selection.proposal is None
    assert "INTEGRITY_ALGORITHM" in selection.reasons[0]


def test_missing_sequence_numbers_mean_32_bits() -> None:
    selection = select([Proposal(ESP, (GCM,))], default_proposals(ESP))
    assert selection.proposal is not None
    assert selection.proposal.transforms == (GCM,)


@pytest.mark.parametrize(
    ("offered", "word"),
    [
        (Proposal(AH, (SHA256, NOESN)), "protocol"),
        (Proposal(ESP, (GCM, NOESN, Transform(200, 1))), "transform type 200"),
        (Proposal(ESP, ()), "ENCRYPTION_ALGORITHM"),
    ],
)
def test_strange_proposals_are_refused_with_a_reason(offered: Proposal, word: str) -> None:
    selection = select([offered], default_proposals(ESP))
    assert selection.proposal is None
    assert all(word in reason for reason in selection.reasons)


KE1 = "aes128gcm16-prfsha256-x25519-"


@pytest.mark.parametrize(
    ("offered", "ours", "result"),
    [
        # both sides' types, omitted ones count as NONE (RFC 9370, 2.2.1)
        (KE1 + "ke1_mlkem768!", KE1 + "ke1_mlkem768!", "CURVE_25519/KE1_ML_KEM_768"),
        (KE1 + "ke1_mlkem768-ke1_none!", KE1[:-1] + "!", "CURVE_25519/KE1_NONE"),
        (KE1[:-1] + "!", KE1 + "ke1_mlkem768-ke1_none!", "CURVE_25519"),
        (KE1 + "ke2_x448!", KE1 + "ke1_none-ke1_mlkem768-ke2_x448!", "CURVE_25519/KE2_CURVE_448"),
        # no method twice, the first key exchange counted in, and the best combination of those left
        (KE1 + "ke1_mlkem768-ke1_x448-ke2_mlkem768!", KE1 + "ke1_mlkem768-ke1_x448-ke2_mlkem768!",
         "CURVE_25519/KE1_CURVE_448/KE2_ML_KEM_768"),
        (KE1 + "x448-ke1_x25519-ke2_ecp256!", KE1 + "x448-ke1_x25519-ke2_ecp256!",
         "CURVE_448/KE1_CURVE_25519/KE2_ECP_256"),
        (KE1 + "ke1_mlkem768-ke2_mlkem768-ke2_none!", KE1 + "ke1_mlkem768-ke2_mlkem768-ke2_none!",
         "CURVE_25519/KE1_ML_KEM_768/KE2_NONE"),
    ],
)  # fmt: skip
def test_additional_key_exchanges_are_all_different(offered: str, ours: str, result: str) -> None:
    assert chosen(offered, ours, IKE) == f"IKE:AES_GCM_16_128/PRF_HMAC_SHA2_256/{result}"


@pytest.mark.parametrize(
    ("offered", "ours", "reason"),
    [
        (KE1 + "ke1_mlkem768!", KE1[:-1] + "!",
         "no acceptable ADDITIONAL_KEY_EXCHANGE_1 found (received KE1_ML_KEM_768, configured none)"),
        (KE1 + "ke1_mlkem768!", KE1 + "ke1_mlkem1024!", "configured KE1_ML_KEM_1024)"),
        (KE1[:-1] + "!", KE1 + "ke1_mlkem768!", "received none, configured KE1_ML_KEM_768)"),
        (KE1 + "x448-ke1_x25519!", KE1 + "ke1_x448-ke1_x25519!", "no 2 different key exchange methods found"),
    ],
)  # fmt: skip
def test_what_keeps_additional_key_exchanges_apart_is_named(offered: str, ours: str, reason: str) -> None:
    selection = select(parse_proposals(offered, IKE), parse_proposals(ours, IKE))
    assert selection.proposal is None
    assert any(reason in one for one in selection.reasons)


def test_additional_key_exchange_without_a_first_one_is_refused() -> None:
    """As no CREATE_CHILD_SA could begin it (RFC 9370, 2.2.4)."""
    offered = Proposal(ESP, (GCM, NOESN, Transform(4, 0), Transform(4, 31), Transform(6, 36)))
    assert select([offered], [offered]).proposal == Proposal(
        ESP, (GCM, NOESN, Transform(4, 31), Transform(6, 36))
    )
    without = Proposal(ESP, (GCM, NOESN, Transform(6, 36)))
    assert select([without], [without]).proposal is None
    assert select([without], [without], ignore_ke=True).proposal == Proposal(ESP, (GCM, NOESN))


def test_search_for_different_methods_has_an_end() -> None:
    """A peer that leaves the last two types only one method between them costs no more than others."""
    many = tuple(Transform(kind, number) for kind in (4, *range(6, 13)) for number in range(14, 33))
    ours = Proposal(ESP, (GCM, NOESN, *many))
    kept = tuple(one for one in many if one.type < 11 or one.number == 31)
    selection = select([Proposal(ESP, (GCM, NOESN, *kept))], [ours])
    assert selection.proposal is None
    assert "no 8 different key exchange methods found" in selection.reasons[0]


def test_nothing_to_choose_from_has_a_reason_too() -> None:
    assert select([], default_proposals(ESP)).reasons == ("no proposal to choose from",)


def test_reasons_are_limited() -> None:
    offered = [Proposal(ESP, (Transform(1, 12, 1000 + n), NOESN)) for n in range(100)]
    assert len(select(offered, default_proposals(ESP)).reasons) == 16


@given(st.lists(proposal_values, max_size=4), st.sampled_from((IKE, ESP)), st.booleans(), st.booleans())
def test_whatever_is_offered_the_answer_is_part_of_it(
    offered: list[Proposal], protocol: Protocol, prefer_ours: bool, ignore_ke: bool
) -> None:
    ours = default_proposals(protocol)
    selection = select(offered, ours, prefer_ours=prefer_ours, ignore_ke=ignore_ke)
    if selection.proposal is None:
        assert selection.reasons
        return
    answer = selection.proposal
    assert answer.is_choice
    assert len(set(answer.key_exchanges)) == len(answer.key_exchanges)
    assert any(set(answer.transforms) <= set(item.transforms) and item.spi == answer.spi for item in offered)
    assert answer.protocol == protocol


@given(st.sampled_from((IKE, ESP)), st.booleans())
def test_an_answer_is_acceptable_to_who_offered(protocol: Protocol, prefer_ours: bool) -> None:
    offered = parse_proposals("", protocol)
    answer = select(offered, default_proposals(protocol), prefer_ours=prefer_ours).proposal
    assert answer is not None
    assert select([answer], offered).proposal == answer
