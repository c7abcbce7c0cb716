"""Proposal strings of ipsec.conf."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.crypto import tables
from cygnet.crypto.proposals import Protocol, Transform, default_proposals, parse_proposals

IKE, ESP, AH = Protocol.IKE, Protocol.ESP, Protocol.AH


@pytest.mark.parametrize(
    ("protocol", "text", "shown"),
    [
        (IKE, "aes128-sha256-modp3072!", ["IKE:AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_3072"]),
        (IKE, "aes-sha1-modp2048!", ["IKE:AES_CBC_128/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_2048"]),
        (IKE, "3des-sha-ecp256!", ["IKE:3DES_CBC/HMAC_SHA1_96/PRF_HMAC_SHA1/ECP_256"]),
        (IKE, "aes256gcm16-prfsha384-ecp384!", ["IKE:AES_GCM_16_256/PRF_HMAC_SHA2_384/ECP_384"]),
        (IKE, "aes128gcm-sha256-x25519!", ["IKE:AES_GCM_16_128/PRF_HMAC_SHA2_256/CURVE_25519"]),
        (
            IKE,
            " AES128-aes256-sha256-prfsha512-ecp256-curve448 , chacha20poly1305-prfsha256-x448 !",
            [
                "IKE:AES_CBC_128/AES_CBC_256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_512/ECP_256/CURVE_448",
                "IKE:CHACHA20_POLY1305/PRF_HMAC_SHA2_256/CURVE_448",
            ],
        ),
        (IKE, "aes256ctr-aesxcbc-modp4096!", ["IKE:AES_CTR_256/AES_XCBC_96/PRF_AES128_XCBC/MODP_4096"]),
        (
            IKE,
            "aes128-sha256-none-x25519!",
            ["IKE:AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/CURVE_25519"],
        ),
        (ESP, "aes128-sha256!", ["ESP:AES_CBC_128/HMAC_SHA2_256_128/NO_EXT_SEQ"]),
        (ESP, "aes128gcm16-sha256-prfsha256-ecp256-esn!", ["ESP:AES_GCM_16_128/ECP_256/EXT_SEQ"]),
        (ESP, "aes256-sha512-esn-noesn!", ["ESP:AES_CBC_256/HMAC_SHA2_512_256/EXT_SEQ/NO_EXT_SEQ"]),
        (ESP, "aes128gcm16-modp2048-none!", ["ESP:AES_GCM_16_128/MODP_2048/NONE/NO_EXT_SEQ"]),
        (ESP, "null-sha256!", ["ESP:NULL/HMAC_SHA2_256_128/NO_EXT_SEQ"]),
        (ESP, "aes256gmac!", ["ESP:NULL_AES_GMAC_256/NO_EXT_SEQ"]),
        (AH, "aes128-sha256-prfsha1!", ["AH:HMAC_SHA2_256_128/NO_EXT_SEQ"]),
    ],
)
def test_strict_text_means_these_proposals(protocol: Protocol, text: str, shown: list[str]) -> None:
    assert [str(item) for item in parse_proposals(text, protocol)] == shown


@pytest.mark.parametrize("protocol", [IKE, ESP, AH])
def test_without_exclamation_mark_the_defaults_follow(protocol: Protocol) -> None:
    proposals = parse_proposals("aes256-sha512-ecp521", protocol)
    rest = [item.transforms for item in proposals[1:]]
    assert rest == [item.transforms for item in default_proposals(protocol)]
    assert [item.number for item in proposals] == list(range(1, len(proposals) + 1))


@pytest.mark.parametrize(
    ("protocol", "place", "charons"),
    [
        (IKE, 1, "AES_CBC_128/AES_CBC_192/AES_CBC_256/AES_CTR_128/AES_CTR_192/AES_CTR_256/CAMELLIA_CBC_128"
         "/CAMELLIA_CBC_192/CAMELLIA_CBC_256/3DES_CBC/HMAC_SHA2_256_128/HMAC_SHA2_384_192/HMAC_SHA2_512_256"
         "/AES_XCBC_96/AES_CMAC_96/HMAC_SHA1_96/PRF_HMAC_SHA2_256/PRF_HMAC_SHA2_384/PRF_HMAC_SHA2_512"
         "/PRF_AES128_XCBC/PRF_AES128_CMAC/PRF_HMAC_SHA1/ECP_256/ECP_384/ECP_521/ECP_256_BP/ECP_384_BP"
         "/ECP_512_BP/CURVE_25519/CURVE_448/MODP_3072/MODP_4096/MODP_6144/MODP_8192/MODP_2048"),
        (IKE, 0, "AES_CCM_16_128/AES_CCM_16_192/AES_CCM_16_256/AES_GCM_16_128/AES_GCM_16_192/AES_GCM_16_256"
         "/CHACHA20_POLY1305/AES_CCM_8_128/AES_CCM_8_192/AES_CCM_8_256/AES_CCM_12_128/AES_CCM_12_192"
         "/AES_CCM_12_256/AES_GCM_8_128/AES_GCM_8_192/AES_GCM_8_256/AES_GCM_12_128/AES_GCM_12_192"
         "/AES_GCM_12_256/PRF_HMAC_SHA2_256/PRF_HMAC_SHA2_384/PRF_HMAC_SHA2_512/PRF_AES128_XCBC"
         "/PRF_AES128_CMAC/PRF_HMAC_SHA1/ECP_256/ECP_384/ECP_521/ECP_256_BP/ECP_384_BP/ECP_512_BP"
         "/CURVE_25519/CURVE_448/MODP_3072/MODP_4096/MODP_6144/MODP_8192/MODP_2048"),
        (ESP, 1, "AES_CBC_128/AES_CBC_192/AES_CBC_256/HMAC_SHA2_256_128/HMAC_SHA2_384_192/HMAC_SHA2_512_256"
         "/HMAC_SHA1_96/AES_XCBC_96/NO_EXT_SEQ"),
    ],
)  # fmt: skip
def test_defaults_have_what_strongswan_proposes(protocol: Protocol, place: int, charons: str) -> None:
    """As charon 6.1 logs its configured proposals, but for CAMELLIA_CTR."""
    ours = str(default_proposals(protocol)[place]).partition(":")[2].split("/")
    assert sorted(ours) == sorted(charons.split("/"))


def test_unset_text_means_strongswans_own() -> None:
    first = parse_proposals("", IKE)[0]
    assert str(first) == "IKE:AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/CURVE_25519"
    assert str(parse_proposals("", ESP)[0]) == "ESP:AES_CBC_128/HMAC_SHA2_256_128/NO_EXT_SEQ"


def test_default_word_and_repeated_proposals_occur_once() -> None:
    assert parse_proposals("default", ESP) == default_proposals(ESP)
    assert len(parse_proposals("aes128-sha256,aes128-sha256!", ESP)) == 1


@pytest.mark.parametrize("protocol", [IKE, ESP, AH])
def test_defaults_hold_no_weak_algorithm_and_children_no_key_exchange(protocol: Protocol) -> None:
    for proposal in default_proposals(protocol):
        for transform in proposal.transforms:
            row = tables.by_number(transform.type, transform.number)
            assert row is not None and not row.weak
        assert bool(proposal.of_type(4)) == (protocol == IKE)


@pytest.mark.parametrize(
    ("protocol", "text", "complaint"),
    [
        (IKE, "aes128-sha265-modp2048", "unknown algorithm 'sha265' (did you mean 'sha256'?)"),
        (IKE, "aes128-sha256-modp2049", "did you mean 'modp2048'"),
        (IKE, "zzzzzzzzzzzzz-sha256", "unknown algorithm 'zzzzzzzzzzzzz' in"),
        (IKE, "serpent128-sha256-modp2048", "algorithm 'serpent128' is not supported"),
        (IKE, "aes128-sha256-x25519-ke1_kyber3", "algorithm 'ke1_kyber3' is not supported"),
        (IKE, "aes128-sha256-x25519-ke1_mlkem786", "(did you mean 'ke1_mlkem768'?)"),
        (IKE, "aes128-sha256-x25519-ke8_mlkem768", "(additional key exchanges are ke1_ to ke7_)"),
        (IKE, "aes128-sha256-x25519-ke1_aes128", "'aes128' in 'ke1_aes128' is no key exchange method"),
        (IKE, "aes128-sha256-x25519-ke1_modp1024", "weak algorithm 'ke1_modp1024' (MODP_1024)"),
        (IKE, "aes128-sha256-x25519-ke1_x25519", "methods repeat one another"),
        (IKE, "aes128-sha256-x25519-ke1_x448-ke2_x448", "methods repeat one another"),
        (IKE, "aes128-sha256-ke1_mlkem768", "a key exchange group is mandatory"),
        (ESP, "aes128gcm16-ke1_mlkem768", "KE1_ML_KEM_768 needs a first key exchange method"),
        (ESP, "aes128gcm16-none-ke1_mlkem768", "KE1_ML_KEM_768 needs a first key exchange method"),
        (IKE, "aes128-sha256-modp1024", "weak algorithm 'modp1024' (MODP_1024)"),
        (IKE, "aes128-sha256-modp1536", "weak algorithm 'modp1536' (MODP_1536)"),
        (IKE, "aes128-md5-modp2048", "weak algorithm 'md5' (HMAC_MD5_96)"),
        (ESP, "des-sha1", "weak algorithm 'des' (DES_CBC)"),
        (IKE, "aes128-sha256", "a key exchange group is mandatory in IKE proposals"),
        (IKE, "aes128gcm16-x25519", "a PRF is mandatory in IKE proposals"),
        (IKE, "sha256-x25519", "an encryption algorithm is mandatory in IKE proposals"),
        (IKE, "aes128-prfsha256-x25519", "an integrity algorithm is mandatory"),
        (IKE, "aes128-aes128gcm16-sha256-x25519", "cannot be in the same proposal"),
        (IKE, "null-sha256-x25519", "NULL is for ESP only"),
        (ESP, "aes128", "an integrity algorithm is mandatory"),
        (ESP, "sha256", "an encryption algorithm is mandatory in ESP proposals"),
        (AH, "aes128", "an integrity algorithm is mandatory in AH proposals"),
        (ESP, "aes128-sha256,,", "unknown algorithm ''"),
        (ESP, ",".join(["aes128-sha256"] * 65), "more than 64 proposals"),
        (ESP, "-".join(["sha256"] * 256), "more than 255 algorithms"),
    ],
)
def test_complaint_names_the_word_and_helps(protocol: Protocol, text: str, complaint: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_proposals(text, protocol)
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("protocol", "text", "shown"),
    [
        (IKE, "aes256gcm16-prfsha384-x25519-ke1_mlkem768!",
         "IKE:AES_GCM_16_256/PRF_HMAC_SHA2_384/CURVE_25519/KE1_ML_KEM_768"),
        (IKE, "aes128gcm16-prfsha256-mlkem768!", "IKE:AES_GCM_16_128/PRF_HMAC_SHA2_256/ML_KEM_768"),
        (IKE, "aes128gcm16-prfsha256-x25519-ke2_mlkem1024-ke2_none-ke7_ecp256!",
         "IKE:AES_GCM_16_128/PRF_HMAC_SHA2_256/CURVE_25519/KE2_ML_KEM_1024/KE2_NONE/KE7_ECP_256"),
        (ESP, "aes128gcm16-x25519-ke1_mlkem768!",
         "ESP:AES_GCM_16_128/CURVE_25519/KE1_ML_KEM_768/NO_EXT_SEQ"),
    ],
)  # fmt: skip
def test_additional_key_exchanges_are_printed_as_strongswan_does(
    protocol: Protocol, text: str, shown: str
) -> None:
    (proposal,) = parse_proposals(text, protocol)
    assert str(proposal) == shown


def test_weak_algorithms_are_there_for_who_insists() -> None:
    (proposal,) = parse_proposals("des-md5-modp768!", IKE, allow_weak=True)
    assert str(proposal) == "IKE:DES_CBC/HMAC_MD5_96/PRF_HMAC_MD5/MODP_768"


@given(st.text(alphabet="aes128gcm16-,!shx59 %\n\0é", max_size=60), st.sampled_from(list(Protocol)))
def test_any_text_is_proposals_or_a_complaint(text: str, protocol: Protocol) -> None:
    try:
        proposals = parse_proposals(text, protocol)
    except ValueError as error:
        assert str(error)
    else:
        assert all(isinstance(item, Transform) for item in proposals[0].transforms)
