"""cygnet.charon.encoding.message"""

from dataclasses import replace

import pytest

from cygnet.base.errors import Ends, MalformedError
from cygnet.base.identities import Identity, IdType
from cygnet.charon.encoding.errors import (
    InvalidFragmentError,
    InvalidSyntaxError,
    UnsupportedCriticalPayloadError,
)
from cygnet.charon.encoding.fragments import Reassembler
from cygnet.charon.encoding.message import (
    MAX_FRAGMENTS,
    MAX_PAYLOADS,
    Message,
    build_clear,
    build_fragments,
    build_protected,
    covered_octets,
    open_message,
    open_part,
    parse_message,
)
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import (
    CertificatePayload,
    Delete,
    Encrypted,
    EncryptedFragment,
    Identification,
    IdentificationInitiator,
    IdentificationResponder,
    KeyExchange,
    Nonce,
    Notify,
    PayloadType,
    Unknown,
    VendorId,
)
from cygnet.crypto.ciphers import sealer
from cygnet.crypto.errors import IntegrityError
from cygnet.crypto.proposals import Transform
from cygnet.wire.header import HEADER_SIZE, Header

SPI_I, SPI_R = b"initiate", b"responde"
INIT = Message(34, SPI_I, bytes(8), 0, True, False, (
    KeyExchange(31, bytes(32)), Nonce(bytes(32)), Notify(NotifyType.NAT_DETECTION_SOURCE_IP, bytes(20)),
))  # fmt: skip
AUTH = Message(35, SPI_I, SPI_R, 1, True, False, (
    IdentificationInitiator(Identity(IdType.FQDN, b"east")), CertificatePayload(4, bytes(range(200))),
    Notify(NotifyType.INITIAL_CONTACT),
))  # fmt: skip
EMPTY = Message(37, SPI_I, SPI_R, 2, False, True)

GCM = sealer(Transform(1, 20, 128), None, bytes(20))
CBC = sealer(Transform(1, 12, 128), Transform(3, 12), bytes(16), bytes(32))
SEALERS = pytest.mark.parametrize("keys", [GCM, CBC], ids=["gcm", "cbc"])

INTERMEDIATE = Message(43, SPI_I, SPI_R, 1, True, False, (KeyExchange(37, bytes(range(250)) * 6),))
V, SK, SKF = PayloadType.VENDOR, PayloadType.SK, PayloadType.SKF


def datagram(first, content, exchange=35):
    header = Header(SPI_I, SPI_R, first, 2, 0, exchange, 8, 1, HEADER_SIZE + len(content))
    return header.build() + content


def generic(following, length, flags=0):
    return bytes([following, flags]) + length.to_bytes(2, "big")


def sealed(content, first, keys=GCM, padding=b"\0"):
    """A message with an SK payload whose plaintext is ``content`` and ``padding``, whatever they are."""
    plaintext = content + padding
    size = keys.iv_size + len(plaintext) + keys.icv_size
    aad = datagram(SK, generic(first, 4 + size) + bytes(size))[: HEADER_SIZE + 4]
    iv = bytes(keys.iv_size)
    return aad + iv + keys.seal(iv, plaintext, aad)


# --- in the clear


def test_clear_message_is_read_as_it_was_built():
    parsed = parse_message(build_clear(INIT))
    assert (parsed.message, parsed.encrypted, parsed.fragment) == (INIT, None, None)
    assert (parsed.header.major, parsed.header.next_payload) == (2, PayloadType.KE)


def test_message_without_payloads_is_only_a_header():
    assert len(build_clear(EMPTY)) == HEADER_SIZE
    assert parse_message(build_clear(EMPTY)).message == EMPTY


def test_minor_version_is_kept():
    assert parse_message(build_clear(replace(INIT, minor=3))).message.minor == 3


def test_unknown_payload_is_kept():
    message = replace(INIT, payloads=(Unknown(200, False, b"abc"), *INIT.payloads))
    assert parse_message(build_clear(message)).message == message


def test_unknown_critical_payload_is_named():
    message = replace(INIT, payloads=(Unknown(200, True, b"abc"), *INIT.payloads))
    with pytest.raises(UnsupportedCriticalPayloadError) as caught:
        parse_message(build_clear(message))
    assert (caught.value.notify, caught.value.data()) == (1, b"\xc8")


def test_critical_bit_of_a_known_payload_is_ignored():
    """RFC 7296, 3.2: it must be ignored when the payload's type is understood."""
    assert parse_message(datagram(V, generic(0, 5, 0x80) + b"x")).message.payloads == (VendorId(b"x"),)


def test_reserved_bits_of_the_generic_header_are_ignored():
    assert parse_message(datagram(200, generic(0, 4, 0x7F))).message.payloads == (Unknown(200, False, b""),)


@pytest.mark.parametrize("length", [0, 1, 3])
def test_payload_shorter_than_its_header_is_malformed(length):
    """A length of zero must not loop."""
    with pytest.raises(MalformedError, match=f"length {length}"):
        parse_message(datagram(V, generic(V, length)))


@pytest.mark.parametrize("length", [9, 0xFFFF])
def test_payload_past_the_end_is_malformed(length):
    with pytest.raises(MalformedError, match=f"length {length}"):
        parse_message(datagram(V, generic(0, length) + b"abcd"))


@pytest.mark.parametrize("left", [0, 1, 3])
def test_announced_payload_that_is_not_there_is_malformed(left):
    with pytest.raises(MalformedError, match=f"{left} octets left"):
        parse_message(datagram(V, generic(V, 4) + bytes(left)))


def test_trailing_octets_inside_the_length_are_malformed():
    with pytest.raises(MalformedError, match="2 octets after"):
        parse_message(datagram(V, generic(0, 4) + bytes(2)))


def test_payload_too_short_for_its_type_is_malformed():
    with pytest.raises(MalformedError):
        parse_message(datagram(PayloadType.KE, generic(0, 4)))


def test_number_of_payloads_is_limited():
    most = replace(INIT, payloads=(VendorId(b""),) * MAX_PAYLOADS)
    assert parse_message(build_clear(most)).message == most
    with pytest.raises(MalformedError, match="more than 64 payloads"):
        parse_message(build_clear(replace(most, payloads=(*most.payloads, VendorId(b"")))))


@pytest.mark.parametrize("size", range(len(build_clear(INIT))))
def test_truncated_message_is_malformed(size):
    with pytest.raises(MalformedError):
        parse_message(build_clear(INIT)[:size])


# --- protected


@SEALERS
@pytest.mark.parametrize("message", [AUTH, EMPTY], ids=["auth", "empty"])
def test_protected_message_opens_to_what_was_built(message, keys):
    data = build_protected(message, keys, b"i" * keys.iv_size)
    parsed = parse_message(data)
    assert parsed.message == replace(message, payloads=())
    assert isinstance(parsed.encrypted, Encrypted)
    assert open_message(parsed, keys) == message
    assert parsed.encrypted.data.startswith(b"i" * keys.iv_size)


@SEALERS
@pytest.mark.parametrize("size", range(17))
def test_content_of_any_size_is_padded(size, keys):
    message = replace(AUTH, payloads=(VendorId(bytes(size)),))
    assert open_message(parse_message(build_protected(message, keys, bytes(keys.iv_size))), keys) == message


@SEALERS
def test_every_altered_octet_fails_the_integrity_check(keys):
    data = build_protected(replace(AUTH, payloads=()), keys, bytes(keys.iv_size))
    read_before = {16, 24, 25, 26, 27, 30, 31}  # next payload and lengths: wrong ones are malformed
    for at in set(range(len(data))) - read_before:
        forged = bytearray(data)
        forged[at] ^= 1
        with pytest.raises(IntegrityError):
            open_message(parse_message(bytes(forged)), keys)


@SEALERS
def test_encrypted_payload_too_short_for_iv_and_icv_asks_for_silence(keys):
    for size in range(keys.iv_size + keys.icv_size + 1):
        with pytest.raises(IntegrityError) as caught:
            open_message(parse_message(datagram(SK, generic(0, 4 + size) + bytes(size))), keys)
        assert (caught.value.notify, caught.value.ends) == (None, Ends.MESSAGE)


def test_padding_longer_than_the_content_is_the_peers_fault():
    with pytest.raises(InvalidSyntaxError, match="padding"):
        open_message(parse_message(sealed(b"", 0, padding=b"\x01")), GCM)


def test_padding_of_any_value_is_taken():
    """RFC 7296, 3.14: the recipient must accept any length; what the octets are is not said."""
    data = sealed(generic(0, 5) + b"x", V, padding=bytes(range(255)) + b"\xff")
    assert open_message(parse_message(data), GCM).payloads == (VendorId(b"x"),)


@pytest.mark.parametrize(("first", "content"), [
    (V, b""), (0, b"x"), (V, generic(0, 3)), (V, generic(V, 4)), (V, generic(0, 9) + b"abcd"),
    (PayloadType.KE, generic(0, 4)),
])  # fmt: skip
def test_bad_payloads_inside_are_malformed_and_the_peers_own(first, content):
    with pytest.raises(MalformedError):
        open_message(parse_message(sealed(content, first)), GCM)


def test_unknown_critical_payload_inside_is_named():
    with pytest.raises(UnsupportedCriticalPayloadError):
        open_message(parse_message(sealed(generic(0, 4, 0x80), 99)), GCM)


def test_unknown_payload_inside_is_kept():
    data = build_protected(replace(AUTH, payloads=(Unknown(99, False, b"x"),)), GCM, bytes(8))
    assert open_message(parse_message(data), GCM).all(Unknown) == (Unknown(99, False, b"x"),)


@pytest.mark.parametrize("kind", [SK, SKF])
def test_encrypted_payload_inside_another_is_refused(kind):
    with pytest.raises(InvalidSyntaxError, match="inside"):
        open_message(parse_message(sealed(generic(0, 8) + b"\0\1\0\1", kind)), GCM)


@pytest.mark.parametrize(("first", "second"), [(SK, V), (SK, SK), (SK, SKF), (SKF, SK), (SKF, V), (SKF, SKF)])
def test_encrypted_payload_that_is_not_last_is_malformed(first, second):
    with pytest.raises(MalformedError, match="after the encrypted payload"):
        parse_message(datagram(first, generic(second, 8) + b"\0\1\0\1" + generic(0, 8) + b"\0\1\0\1"))


def test_fragment_number_zero_asks_for_silence():
    with pytest.raises(InvalidFragmentError):
        parse_message(datagram(SKF, generic(0, 8) + b"\0\0\0\1"))


def test_known_payload_beside_the_encrypted_one_is_refused():
    def with_front(front):
        aad = datagram(V, front + generic(0, 4 + 25) + bytes(25))[: -25]
        return parse_message(aad + bytes(8) + GCM.seal(bytes(8), b"\0", aad))

    with pytest.raises(InvalidSyntaxError, match="in the clear"):
        open_message(with_front(generic(SK, 5) + b"x"), GCM)


def test_unknown_payload_beside_the_encrypted_one_is_kept_first():
    front = generic(SK, 5) + b"x"
    aad = datagram(99, front + generic(V, 4 + 29) + bytes(29))[: -29]
    data = aad + bytes(8) + GCM.seal(bytes(8), generic(0, 4) + b"\0", aad)
    assert open_message(parse_message(data), GCM).payloads == (Unknown(99, False, b"x"), VendorId(b""))


def test_opening_what_is_not_encrypted_is_a_mistake_of_ours():
    with pytest.raises(ValueError, match="no SK"):
        open_message(parse_message(build_clear(INIT)), GCM)
    with pytest.raises(ValueError, match="no encrypted"):
        open_part(parse_message(build_clear(INIT)), GCM)


# --- fragments built


def numbered_ivs(keys):
    made = []

    def following():
        made.append(len(made) + 1)
        return made[-1].to_bytes(keys.iv_size, "big")

    return following


@SEALERS
@pytest.mark.parametrize("limit", [100, 112, 113, 200, 255])
def test_fragments_keep_the_limit_and_differ_in_iv(limit, keys):
    data = build_fragments(AUTH, keys, numbered_ivs(keys), limit)
    assert len(data) > 1
    assert all(len(one) <= limit for one in data)
    parts = [parse_message(one).fragment for one in data]
    assert [(one.number, one.total) for one in parts] == [(at + 1, len(data)) for at in range(len(data))]
    assert [one.next for one in parts] == [PayloadType.IDI] + [0] * (len(data) - 1)
    assert len({one.data[: keys.iv_size] for one in parts}) == len(data)


@SEALERS
def test_message_that_fits_is_not_fragmented(keys):
    whole = build_protected(AUTH, keys, (1).to_bytes(keys.iv_size, "big"))
    assert build_fragments(AUTH, keys, numbered_ivs(keys), len(whole)) == [whole]
    assert len(build_fragments(AUTH, keys, numbered_ivs(keys), len(whole) - 1)) == 2


@pytest.mark.parametrize("limit", [0, 40, 60])
def test_limit_that_leaves_no_room_is_a_mistake_of_ours(limit):
    with pytest.raises(ValueError, match="do not go into fragments"):
        build_fragments(AUTH, GCM, lambda: bytes(8), limit)


def test_number_of_fragments_is_limited():
    long = replace(AUTH, payloads=(CertificatePayload(4, bytes(MAX_FRAGMENTS * 100)),))
    with pytest.raises(ValueError, match="do not go into fragments"):
        build_fragments(long, GCM, lambda: bytes(8), 100)


# --- looking into a message


def test_payloads_are_found_by_class_and_notifies_by_type():
    message = replace(INIT, payloads=(Notify(1), VendorId(b"a"), Notify(2), VendorId(b"b"), Notify(2, b"x")))
    assert message.first(VendorId) == VendorId(b"a")
    assert message.first(Nonce) is None
    assert message.all(VendorId) == (VendorId(b"a"), VendorId(b"b"))
    assert message.notify(2) == Notify(2)
    assert message.notify(3) is None
    assert message.notifies == (Notify(1), Notify(2), Notify(2, b"x"))


def test_payload_is_found_by_its_base_class():
    identity = Identity(IdType.FQDN, b"x")
    message = replace(AUTH, payloads=(IdentificationResponder(identity),))
    assert message.first(Identification) == IdentificationResponder(identity)


def test_description_is_charons_line():
    assert INIT.describe() == "IKE_SA_INIT request 0 [ KE No N(NATD_S_IP) ]"
    assert EMPTY.describe() == "INFORMATIONAL response 2 [ ]"
    assert replace(EMPTY, exchange=99, payloads=(Delete(1),)).describe() == "(99) response 2 [ D ]"


def test_description_of_an_unopened_message_shows_the_encrypted_part():
    assert parse_message(build_clear(INIT)).describe() == INIT.describe()
    assert parse_message(build_protected(AUTH, GCM, bytes(8))).describe() == "IKE_AUTH request 1 [ E ]"
    first, *_ = build_fragments(AUTH, GCM, lambda: bytes(8), 200)
    assert parse_message(first).describe() == "IKE_AUTH request 1 [ EF(1/2) ]"
    assert isinstance(parse_message(first).encrypted, EncryptedFragment)


# What IntAuth covers (RFC 9242, 3.3.2)


def covered_by_hand(message: Message) -> bytes:
    """Header and generic header of SK as if nothing but the inner payloads followed."""
    (payload,) = message.payloads
    inner = bytes((0, 0)) + (len(payload.build()) + 4).to_bytes(2, "big") + payload.build()
    generic = bytes((PayloadType.KE, 0)) + (len(inner) + 4).to_bytes(2, "big")
    front = SPI_I + SPI_R + bytes((PayloadType.SK, 0x20, 43, 8)) + (1).to_bytes(4, "big")
    return front + (28 + 4 + len(inner)).to_bytes(4, "big") + generic + inner


@SEALERS
def test_covered_octets_do_not_depend_on_the_form_of_the_message(keys):
    whole = build_protected(INTERMEDIATE, keys, bytes(keys.iv_size))
    expected = covered_by_hand(INTERMEDIATE)
    assert covered_octets(INTERMEDIATE) == expected
    assert open_message(parse_message(whole), keys).covered == expected
    for limit in (300, 700, 1252):
        reassembler = Reassembler()
        packets = build_fragments(INTERMEDIATE, keys, lambda: bytes(keys.iv_size), limit)
        parts = [parse_message(packet) for packet in packets]
        opened = [reassembler.add(part, keys) for part in reversed(parts)]
        assert len(parts) > 1
        assert opened[-1].covered == expected


@SEALERS
def test_reserved_bits_and_payloads_in_the_clear_are_covered_as_they_came(keys):
    clear = Unknown(200, False, b"in the clear")
    chain = bytes((PayloadType.SK, 0x05)) + (4 + len(clear.data)).to_bytes(2, "big") + clear.data
    content = bytes((0, 0)) + (8).to_bytes(2, "big") + b"data"
    padding = -(len(content) + 1) % keys.block_size
    sealed_size = keys.iv_size + len(content) + padding + 1 + keys.icv_size
    generic = bytes((PayloadType.VENDOR, 0x81)) + (4 + sealed_size).to_bytes(2, "big")
    length = 28 + len(chain) + 4 + sealed_size
    header = SPI_I + SPI_R + bytes((200, 0x20, 43, 8)) + (1).to_bytes(4, "big") + length.to_bytes(4, "big")
    aad, iv = header + chain + generic, bytes(keys.iv_size)
    raw = aad + iv + keys.seal(iv, content + bytes(padding) + bytes((padding,)), aad)
    covered = open_message(parse_message(raw), keys).covered
    shorter = 28 + len(chain) + 4 + len(content)
    assert covered == (
        header[:24] + shorter.to_bytes(4, "big") + chain
        + generic[:2] + (4 + len(content)).to_bytes(2, "big") + content
    )  # fmt: skip


@SEALERS
def test_first_fragment_behind_a_payload_in_the_clear_becomes_the_front_of_the_whole(keys):
    clear = Unknown(200, False, b"in the clear")
    chain = bytes((PayloadType.SKF, 0)) + (4 + len(clear.data)).to_bytes(2, "big") + clear.data
    content = bytes((0, 0)) + (4 + 4 + 40).to_bytes(2, "big") + bytes(range(44))
    reassembler, opened = Reassembler(), None
    for number, chunk in enumerate((content[:20], content[20:]), 1):
        padding = -(len(chunk) + 1) % keys.block_size
        sealed_size = keys.iv_size + len(chunk) + padding + 1 + keys.icv_size
        first = PayloadType.VENDOR if number == 1 else 0
        part = bytes((first, 0x81 if number == 1 else 0)) + (8 + sealed_size).to_bytes(2, "big")
        part += number.to_bytes(2, "big") + (2).to_bytes(2, "big")
        length = 28 + len(chain) + 8 + sealed_size
        header = SPI_I + SPI_R + bytes((200, 0x20, 43, 8, 0, 0, 0, 1)) + length.to_bytes(4, "big")
        aad, iv = header + chain + part, bytes(keys.iv_size)
        raw = aad + iv + keys.seal(iv, chunk + bytes(padding) + bytes((padding,)), aad)
        opened = reassembler.add(parse_message(raw), keys)
    whole = 28 + len(chain) + 4 + len(content)
    assert opened.covered == (
        header[:24] + whole.to_bytes(4, "big") + bytes((PayloadType.SK,)) + chain[1:]
        + bytes((PayloadType.VENDOR, 0x81)) + (4 + len(content)).to_bytes(2, "big") + content
    )  # fmt: skip


def test_only_intermediate_messages_are_covered():
    assert open_message(parse_message(build_protected(AUTH, GCM, bytes(8))), GCM).covered == b""
