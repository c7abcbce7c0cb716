"""IntAuth, against an independent computation (RFC 9242, 3.3.2)."""

import hmac

from cygnet.base.secret import Secret
from cygnet.charon.sa.int_auth import IntAuth
from cygnet.charon.sa.keymat import Nonces, derive_ike_keys
from cygnet.crypto.proposals import Protocol, parse_proposals

(IKE,) = parse_proposals("aes128-sha256-curve25519!", Protocol.IKE)
NONCES = Nonces(b"i" * 32, b"r" * 32)


def sha256(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")


def test_without_exchanges_nothing_is_added() -> None:
    assert IntAuth().octets == b""


def test_each_exchange_is_chained_under_the_keys_from_before_it() -> None:
    first = derive_ike_keys(IKE, (Secret(b"one"),), NONCES, bytes(16), bytes)
    second = derive_ike_keys(IKE, (Secret(b"two"),), NONCES, bytes(16), bytes, first)
    chain = IntAuth()
    chain.add(first, b"request 1", b"response 1")
    chain.add(second, b"request 2", b"response 2")
    intauth_i1 = sha256(first.sk_pi.reveal(), b"request 1")
    intauth_r1 = sha256(first.sk_pr.reveal(), b"response 1")
    intauth_i2 = sha256(second.sk_pi.reveal(), intauth_i1 + b"request 2")
    intauth_r2 = sha256(second.sk_pr.reveal(), intauth_r1 + b"response 2")
    assert chain.octets == intauth_i2 + intauth_r2 + (3).to_bytes(4, "big")  # IKE_AUTH has message ID 3
