"""Key material, against an independent computation with the standard library."""

import hmac

from cygnet.base.secret import Secret
from cygnet.charon.sa.keymat import (
    Nonces,
    derive_child_keys,
    derive_ike_keys,
    psk_auth,
    signed_octets,
    with_ppk,
)
from cygnet.crypto.prf import prf
from cygnet.crypto.proposals import Protocol, parse_proposals

NONCES = Nonces(bytes(range(32)), bytes(range(32, 64)))
SPIS = bytes(range(16))
SHARED = Secret(b"g to the ir" * 3)
(IKE,) = parse_proposals("aes128-sha256-curve25519!", Protocol.IKE)
(ESP,) = parse_proposals("aes256-sha256!", Protocol.ESP)


def sha256(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")


def stretch(key: bytes, seed: bytes, length: int) -> bytes:
    output, block, number = b"", b"", 1
    while len(output) < length:
        block = sha256(key, block + seed + bytes([number]))
        output, number = output + block, number + 1
    return output[:length]


def test_ike_keys_follow_rfc_7296_2_14() -> None:
    keys = derive_ike_keys(IKE, (SHARED,), NONCES, SPIS, bytes)
    material = stretch(sha256(NONCES.seed, SHARED.reveal()), NONCES.seed + SPIS, 5 * 32 + 2 * 16)
    assert keys.sk_d.reveal() == material[:32]
    assert keys.sk_pi.reveal() == material[128:160]
    assert keys.sk_pr.reveal() == material[160:192]
    sealed = keys.protection_i.sealer.seal(bytes(16), bytes(16), b"aad")
    assert hmac.digest(material[32:64], b"aad" + bytes(16) + sealed[:16], "sha256")[:16] == sealed[16:]


def test_ppk_is_mixed_into_three_keys() -> None:
    """RFC 8784, 3: SK_d = prf+ (PPK, SK_d') and so on, which is one block."""
    keys, ppk = derive_ike_keys(IKE, (SHARED,), NONCES, SPIS, bytes), Secret(b"ppk" * 20)
    mixed = with_ppk(keys, ppk)
    for before, after in ((keys.sk_d, mixed.sk_d), (keys.sk_pi, mixed.sk_pi), (keys.sk_pr, mixed.sk_pr)):
        assert after.reveal() == sha256(ppk.reveal(), before.reveal() + b"\1")
    assert (mixed.protection_i, mixed.protection_r) == (keys.protection_i, keys.protection_r)


def test_rekeyed_ike_keys_begin_with_the_old_sk_d() -> None:
    old = derive_ike_keys(IKE, (SHARED,), NONCES, SPIS, bytes)
    new = derive_ike_keys(IKE, (SHARED,), NONCES, SPIS, bytes, old)
    seed = sha256(old.sk_d.reveal(), SHARED.reveal() + NONCES.seed)
    assert new.sk_d.reveal() == stretch(seed, NONCES.seed + SPIS, 32)


def test_child_keys_are_those_of_the_initiator_first() -> None:
    ike = derive_ike_keys(IKE, (SHARED,), NONCES, SPIS, bytes)
    keys = derive_child_keys(ike, ESP, NONCES)
    material = stretch(ike.sk_d.reveal(), NONCES.seed, 128)
    parts = (keys.encryption_i, keys.integrity_i, keys.encryption_r, keys.integrity_r)
    assert b"".join(part.reveal() for part in parts) == material
    own = derive_child_keys(ike, ESP, NONCES, (SHARED,))
    assert own.encryption_i.reveal() == stretch(ike.sk_d.reveal(), SHARED.reveal() + NONCES.seed, 32)


def test_further_key_exchanges_follow_the_nonces() -> None:
    """RFC 9370, 2.2.4: SK(0) | Ni | Nr | SK(1) | ... SK(n), under the old SK_d."""
    secrets = SHARED, Secret(b"kem one"), Secret(b"kem two")
    old = derive_ike_keys(IKE, (SHARED,), NONCES, SPIS, bytes)
    seed = SHARED.reveal() + NONCES.seed + b"kem onekem two"
    new = derive_ike_keys(IKE, secrets, NONCES, SPIS, bytes, old)
    assert new.sk_d.reveal() == stretch(sha256(old.sk_d.reveal(), seed), NONCES.seed + SPIS, 32)
    own = derive_child_keys(old, ESP, NONCES, secrets)
    assert own.encryption_i.reveal() == stretch(old.sk_d.reveal(), seed, 32)


def test_counter_ivs_never_repeat_and_others_are_random() -> None:
    (gcm,) = parse_proposals("aes128gcm16-prfsha256-curve25519!", Protocol.IKE)
    counted = derive_ike_keys(gcm, (SHARED,), NONCES, SPIS, bytes).protection_i
    assert len({counted.iv() for _ in range(100)}) == 100
    random = derive_ike_keys(IKE, (SHARED,), NONCES, SPIS, lambda size: b"r" * size).protection_i
    assert random.iv() == b"r" * 16


def test_auth_octets_and_psk_follow_rfc_7296_2_15() -> None:
    function = prf(5)
    octets = signed_octets(function, Secret(b"sk_p"), b"message", b"nonce", b"id")
    assert octets == b"messagenonce" + sha256(b"sk_p", b"id")
    assert psk_auth(function, Secret(b"psk"), octets) == sha256(sha256(b"psk", b"Key Pad for IKEv2"), octets)
