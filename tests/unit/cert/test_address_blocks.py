"""Address blocks (RFC 3779): reading, writing, inheritance, and what traffic selectors are left."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st
from simulation.pki import NOW, Party, Wish, issue, leaf_of

from cygnet.base.selectors import TrafficSelector
from cygnet.cert.address_blocks import (
    EXTENSION_OID,
    AddressBlocks,
    AddressRange,
    allowed_selectors,
    effective,
    parse_range,
)
from cygnet.cert.trust import Rules, build_chain

V4 = parse_range("10.0.0.0/8")


def blocks(*texts: str, inherited: tuple[int, ...] = ()) -> AddressBlocks:
    return AddressBlocks(tuple(parse_range(text) for text in texts), frozenset(inherited))


def test_prefix_is_written_with_as_many_bits_as_it_has() -> None:
    # the BIT STRINGs of RFC 3779, 2.2.3.8
    assert blocks("10.5.0.4/32").build().hex().endswith("0305000a050004")
    assert blocks("10.64.0.0/12").build().hex().endswith("0303040a40")


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)), max_size=5))
def test_ranges_survive_writing_and_reading(pairs: list[tuple[int, int]]) -> None:
    ranges = tuple(AddressRange(IPv4Address(min(one)), IPv4Address(max(one))) for one in pairs)
    assert AddressBlocks.parse(AddressBlocks(ranges).build()) == AddressBlocks(ranges)


@given(st.integers(0, 2**128 - 1), st.integers(0, 2**128 - 1))
def test_ranges_of_ipv6_survive_too(one: int, other: int) -> None:
    both = AddressBlocks((V4, AddressRange(IPv6Address(min(one, other)), IPv6Address(max(one, other)))))
    assert AddressBlocks.parse(both.build()) == both


def test_inheritance_is_written_and_read() -> None:
    assert AddressBlocks.parse(blocks(inherited=(4,)).build()) == blocks(inherited=(4,))
    assert str(blocks("10.0.0.0/8", "10.1.2.3-10.1.2.9", inherited=(6,))) == (
        "10.0.0.0/8, 10.1.2.3..10.1.2.9, IPv6 inherited"
    )


@pytest.mark.parametrize(
    "octets",
    [
        "", "0500", "30020500", "3004300204 00", "300a3008040200033002 0500", "300b30090402000130030301ff",
        "300d300b04020001300503030f0a00", "30123010040200013 00a300803 02000b0302000a",
        "300f300d0402000130070305ff0a000000",
    ],
)  # fmt: skip
def test_octets_that_are_no_blocks_are_refused(octets: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        AddressBlocks.parse(bytes.fromhex(octets.replace(" ", "")))


@pytest.mark.parametrize("text", ["10.0.0.9-10.0.0.1", "10.0.0.1-::1", "x", "10.0.0.0/33", ""])
def test_text_that_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_range(text)


def extension(value: AddressBlocks) -> tuple[x509.ExtensionType, bool]:
    return x509.UnrecognizedExtension(x509.ObjectIdentifier(EXTENSION_OID), value.build()), True


def chain(*values: AddressBlocks | None, strict: bool = True):
    """A chain whose certificates have these blocks, the anchor's first."""
    party: Party | None = None
    parties = []
    for place, value in enumerate(values):
        extensions = (extension(value),) if value else ()
        last = place == len(values) - 1
        party = (
            leaf_of(party, extensions=extensions)
            if last
            else issue(f"CA {place}", party, Wish(extensions=extensions))
        )
        parties.append(party)
    anchor, *between, leaf = (one.certificate for one in parties)
    return build_chain(leaf, between, [anchor], NOW.timestamp(), Rules(strict_addresses=strict))


def test_blocks_within_those_of_the_issuer_are_told() -> None:
    verdict = chain(
        blocks("10.0.0.0/8", "fec0::/16"), blocks("10.1.0.0/16", inherited=(6,)), blocks("10.1.2.0/24")
    )
    assert verdict.ok
    assert verdict.addresses == blocks("10.1.2.0/24")


def test_inherited_blocks_are_those_of_the_issuer() -> None:
    verdict = chain(blocks("10.0.0.0/8"), blocks(inherited=(4,)), blocks(inherited=(4,)))
    assert verdict.addresses == blocks("10.0.0.0/8")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((blocks("10.0.0.0/8"), blocks("11.0.0.0/8")), 'address block 11.0.0.0/8 of "CN=leaf" is not among'),
        ((blocks("10.0.0.0/8"), blocks("fec0::/16")), "address block fec0::/16"),
        ((None, blocks("10.0.0.0/8")), 'has address blocks, but its issuer "CN=CA 0" has none'),
        ((blocks("10.0.0.0/8"), None), 'lacks the address blocks that its issuer "CN=CA 0" has'),
    ],
)  # fmt: skip
def test_blocks_beyond_those_of_the_issuer_are_refused(values, words: str) -> None:
    verdict = chain(*values)
    assert [check.name for check in verdict.checks if not check.ok] == ["address blocks"]
    assert words in verdict.reason


def test_missing_blocks_are_no_fault_where_the_plugin_is_not_strict() -> None:
    assert chain(blocks("10.0.0.0/8"), None, strict=False).ok


def test_selectors_are_narrowed_to_what_the_blocks_cover() -> None:
    wanted = (
        TrafficSelector.of("10.0.0.0/8"),
        TrafficSelector.of("192.0.2.0/24"),
        TrafficSelector.of("fec0::/16"),
    )
    granted = blocks("10.1.0.0/16", "10.2.0.1-10.2.0.3")
    assert allowed_selectors(granted, wanted) == (
        TrafficSelector.of("10.1.0.0/16"),
        TrafficSelector.of("10.2.0.1-10.2.0.3"),
    )
    assert allowed_selectors(None, wanted) == wanted
    assert allowed_selectors(blocks(), wanted) == ()


def test_without_blocks_there_are_no_effective_ones() -> None:
    assert effective([]) is None
    assert effective([None, blocks("10.0.0.0/8")]) is None
    assert effective([blocks(inherited=(4,)), None]) == blocks()
