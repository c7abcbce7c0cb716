"""Encrypted DNS resolvers in configuration payloads, as written and as peers send them (RFC 9464)."""

from dataclasses import replace
from ipaddress import ip_address
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.charon.encoding.payloads.configuration import Attribute, Configuration
from cygnet.charon.encoding.payloads.configuration import AttributeType as T
from cygnet.charon.sa import encrypted_dns
from cygnet.keying.config import resolvers
from cygnet.keying.config.resolvers import Digest, EncryptedResolver

FOUR, SIX = ip_address("10.2.0.53"), ip_address("2001:db8:99:88:77:66:55:44")
DOH = EncryptedResolver(
    "doh.example.com", (SIX,), ("h2",), path="/dns-query{?dns}", digests=(Digest(2, bytes(range(32))),)
)
DOT = EncryptedResolver("dot.example.com", (FOUR, SIX), ("dot", "doq"), 8853, priority=2)
ASKED = Configuration(1, encrypted_dns.request((4, 6), digests=True))


def read(*attributes: Attribute) -> tuple[tuple[EncryptedResolver, ...], list[str]]:
    told: list[str] = []
    return encrypted_dns.given(Configuration(2, attributes), told.append), told


def test_request_asks_for_families_and_hashes() -> None:
    """RFC 9464, appendix A.1: ENCDNS_DIGEST_INFO(0, (SHA2-256, SHA2-384, SHA2-512))."""
    assert [(one.type, one.value) for one in encrypted_dns.request((6,), digests=True)] == [
        (28, b""), (29, b"\3\0" + pack("!HHH", 2, 3, 4)),
    ]  # fmt: skip
    assert encrypted_dns.request((4,), digests=False) == (Attribute(27),)
    assert encrypted_dns.request((), digests=True) == ()


def test_reply_is_that_of_the_rfc() -> None:
    """RFC 9464, appendix A.1: one resolver, so that the digest needs no name."""
    parameters = b"\0\1\0\3\2h2" + pack("!HH", 7, 16) + b"/dns-query{?dns}"
    assert encrypted_dns.reply(ASKED, (DOH,)) == (
        Attribute(28, pack("!HBB", 1, 1, 15) + SIX.packed + b"doh.example.com" + parameters),
        Attribute(29, b"\1\0" + pack("!H", 2) + bytes(range(32))),
    )


def test_what_is_told_is_what_is_read() -> None:
    found, told = read(*encrypted_dns.reply(ASKED, (DOT, DOH)))
    of_each_family = (replace(DOT, addresses=(FOUR,)), replace(DOT, addresses=(SIX,)))
    assert found == (DOH, *of_each_family)
    assert told == []


@pytest.mark.parametrize(("asked", "types"), [
    ((), []), ((Attribute(27),), [27]), ((Attribute(28),), [28, 28]), ((Attribute(3),), []),
    ((Attribute(28), Attribute(29, b"\1\0\0\4")), [28, 28]),
    ((Attribute(28), Attribute(29, b"\1\0\0\2")), [28, 28, 29]),
    ((Attribute(27), Attribute(29, b"\1\0\0\2")), [27]),
    ((Attribute(28), Attribute(29, b"")), [28, 28]),
    ((Attribute(28, b"\0\1\0\0"), Attribute(28)), [28, 28]),
])  # fmt: skip
def test_peer_is_told_what_it_asks_for(asked: tuple[Attribute, ...], types: list[int]) -> None:
    """Families that it names, and digests by hashes that it knows."""
    assert [one.type for one in encrypted_dns.reply(Configuration(1, asked), (DOH, DOT))] == types


def attribute(
    priority: int = 1, addresses: bytes = FOUR.packed, count: int = 1, name: bytes = b"a.example",
    parameters: bytes = b"\0\1\0\4\3dot", length: int | None = None,
) -> Attribute:  # fmt: skip
    head = pack("!HBB", priority, count, len(name) if length is None else length)
    return Attribute(T.ENCDNS_IP4, head + addresses + name + parameters)


BAD = [
    (attribute(priority=0), "service priority 0 with 1 addresses"),
    (attribute(count=0, addresses=b""), "service priority 1 with 0 addresses"),
    (attribute(count=255), "ends"),
    (attribute(length=255), "ends"),
    (attribute(name=b"a b"), "authentication domain name that is none"),
    (attribute(name=b"a\0.example"), "authentication domain name that is none"),
    (attribute(name=b"a\nnameserver 6.6.6.6"), "authentication domain name that is none"),
    (attribute(parameters=b"\0\1\0\5\3dot"), "ends"),
    (attribute(parameters=b"\0\1\0\4\4dot"), "ends"),
    (attribute(parameters=b"\0\1\0\1\0"), "alpn"),
    (attribute(parameters=b"\0\1\0\4\3a b"), "alpn"),
    (attribute(parameters=b"\0\1"), "ends"),
    (attribute(parameters=b"\0\3\0\2\0\0"), "port"),
    (attribute(parameters=b"\0\3\0\1\1"), "port"),
    (attribute(parameters=b"\0\3\0\2\1\1\0\1\0\4\3dot"), "out of order"),
    (attribute(parameters=b"\0\3\0\2\1\1\0\3\0\2\1\1"), "out of order"),
    (attribute(parameters=b"\0\4\0\4abcd"), "address hints"),
    (attribute(parameters=b"\0\6\0\4abcd"), "address hints"),
    (attribute(parameters=b"\0\0\0\2\0\x63"), "mandatory service parameters [99]"),
    (attribute(parameters=b"\0\0\0\1\1"), "mandatory"),
    (attribute(parameters=b"\0\7\0\4/dns"), "dohpath"),
    (Attribute(T.ENCDNS_IP4), "ends"),
    (Attribute(T.ENCDNS_DIGEST_INFO), "ends"),
    (Attribute(T.ENCDNS_DIGEST_INFO, b"\2\0\0\2" + bytes(32)), "2 hash algorithms"),
    (Attribute(T.ENCDNS_DIGEST_INFO, b"\1\0\0\2" + bytes(31)), "digest of 31 octets"),
    (Attribute(T.ENCDNS_DIGEST_INFO, b"\1\0\0\1" + bytes(20)), "hash algorithm 1"),
]  # fmt: skip


@pytest.mark.parametrize(("bad", "reason"), BAD)
def test_resolver_that_is_none_is_left_out_and_told(bad: Attribute, reason: str) -> None:
    good = attribute(name=b"good.example", priority=3)
    found, told = read(bad, good)
    assert [one.name for one in found] == ["good.example"]
    assert len(told) == 1 and told[0].startswith(f"ignoring {T(bad.type).name}: ")
    assert reason in told[0] or reason == "ends", told


def test_unknown_parameters_and_addresses_that_cannot_be_do_no_harm() -> None:
    parameters = b"\0\0\0\4\0\1\0\3" + b"\0\1\0\4\3dot" + b"\0\3\0\2\1\1" + b"\0\x63\0\3abc"
    one = attribute(addresses=bytes(4) + FOUR.packed, count=2, parameters=parameters)
    found, told = read(one, attribute(addresses=bytes((127, 0, 0, 1)), name=b"b.example"))
    assert found == (EncryptedResolver("a.example", (FOUR,), ("dot",), 257),)
    assert told == ["ignoring 0.0.0.0, which no host can have", "ignoring 127.0.0.1, which no host can have"]


def test_resolver_may_have_no_name_and_no_parameters() -> None:
    found, _ = read(attribute(name=b"", parameters=b""))
    assert found == (EncryptedResolver("", (FOUR,), ()),)


def test_digest_with_a_name_is_of_that_resolver_only() -> None:
    named = Attribute(T.ENCDNS_DIGEST_INFO, b"\1\x09a.example\0\2" + bytes(32))
    found, _ = read(attribute(), attribute(name=b"b.example"), named)
    assert [len(one.digests) for one in found] == [1, 0]


def test_numbers_are_bounded() -> None:
    several = [attribute(name=b"d%d.example" % number, priority=100 - number) for number in range(50)]
    digests = [Attribute(T.ENCDNS_DIGEST_INFO, b"\1\0\0\2" + bytes([number]) * 32) for number in range(50)]
    wide = attribute(count=200, addresses=bytes(range(1, 201)) * 4, name=b"wide.example")
    found, _ = read(wide, *several, *digests)
    assert len(found) == resolvers.MAX_RESOLVERS
    assert [one.priority for one in found[:3]] == [1, 51, 52]
    assert len(found[0].addresses) == resolvers.MAX_ADDRESSES
    assert len(found[0].digests) == resolvers.MAX_DIGESTS


def test_what_a_peer_says_fits_into_an_environment() -> None:
    """Updown scripts get each resolver in a variable, of which the kernel takes 128 KiB."""
    names = b"\1x" * 30_000
    (many,), _ = read(attribute(parameters=pack("!HH", 1, len(names)) + names))
    assert len(many.alpn) == resolvers.MAX_PROTOCOLS
    path = b"/" + b"d" * 60_000 + b"{?dns}"
    found, told = read(attribute(parameters=pack("!HH", 7, len(path)) + path))
    assert not found and "dohpath of 60007 characters" in told[0]


@given(st.lists(st.builds(Attribute, st.integers(27, 29), st.binary(max_size=60)), max_size=6))
def test_any_octets_are_read_without_an_error(attributes: list[Attribute]) -> None:
    message = Configuration(2, tuple(attributes))
    for one in encrypted_dns.given(message, lambda text: None):
        assert one.addresses and str(one)
    encrypted_dns.reply(message, (DOH, DOT))


NAMES = st.from_regex(r"[a-z0-9]{1,9}(\.[a-z0-9]{1,9}){1,3}", fullmatch=True)
RESOLVERS = st.builds(
    EncryptedResolver,
    NAMES,
    st.lists(st.ip_addresses(v=4, network="10.0.0.0/8"), min_size=1, max_size=8, unique=True).map(tuple),
    st.lists(st.sampled_from(("dot", "doq", "h2", "h3")), max_size=4, unique=True).map(tuple),
    st.integers(0, 65535),
    st.sampled_from(("", "/dns-query{?dns}")),
    st.integers(1, 65535),
    st.lists(st.builds(Digest, st.just(2), st.binary(min_size=32, max_size=32)), max_size=3, unique=True)
    .map(tuple),
)  # fmt: skip


@given(RESOLVERS)
def test_every_resolver_makes_the_round(resolver: EncryptedResolver) -> None:
    assert read(*encrypted_dns.reply(ASKED, (resolver,))) == ((resolver,), [])
