"""cygnet.charon.encoding.payloads.identification"""

import pytest

from cygnet.base.errors import MalformedError
from cygnet.base.identities import Identity, IdType
from cygnet.charon.encoding.payloads import IdentificationInitiator, IdentificationResponder

BOTH = pytest.mark.parametrize("kind", [IdentificationInitiator, IdentificationResponder])


@BOTH
@pytest.mark.parametrize(("identity", "octets"), [
    (Identity(IdType.FQDN, b"east.example"), b"\x02\0\0\0east.example"),
    (Identity(IdType.IPV4, b"\x0a\0\0\1"), b"\x01\0\0\0\x0a\0\0\1"),
    (Identity(IdType.IPV6, bytes(16)), b"\x05\0\0\0" + bytes(16)),
    (Identity(IdType.KEY_ID, b""), b"\x0b\0\0\0"),
    (Identity(201, b"?"), b"\xc9\0\0\0?"),
])  # fmt: skip
def test_identity_is_read_and_written(kind, identity, octets):
    assert kind(identity).build() == octets
    assert kind.parse(octets) == kind(identity)


@BOTH
@pytest.mark.parametrize("octets", [
    b"", b"\x02\0\0", b"\x01\0\0\0\x0a\0\0", b"\x01\0\0\0\x0a\0\0\1\2", b"\x05\0\0\0" + bytes(4), bytes(9),
])  # fmt: skip
def test_short_reserved_or_missized_identity_is_malformed(kind, octets):
    with pytest.raises(MalformedError, match=kind.notation):
        kind.parse(octets)


def test_reserved_octets_are_kept_since_the_peer_has_signed_them():
    payload = IdentificationInitiator.parse(b"\x02\1\2\3a")
    assert payload.identity == Identity(IdType.FQDN, b"a")
    assert payload.build() == b"\x02\1\2\3a"
