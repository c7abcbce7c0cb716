"""Connections by identities, CHILD_SAs by traffic selectors."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cygnet.base.addresses import Host
from cygnet.base.identities import NULL, Identity
from cygnet.base.selectors import TrafficSelector
from cygnet.keying.config.records import AuthClass, AuthConfig, ChildConfig, IkeConfig, PeerConfig
from cygnet.keying.sa.matching import MAX_PAIRS, Ends, covers, match_child, match_identities, narrow, resolve

CONFIG = PeerConfig(
    "net",
    IkeConfig(),
    (AuthConfig(identity=Identity.parse("bob.test")),),
    (AuthConfig(identity=Identity.parse("*.test")),),
)
ENDS = Ends((Host.of("192.0.2.2").address,), (Host.of("192.0.2.1").address,))


def ts(*texts: str) -> tuple[TrafficSelector, ...]:
    return tuple(map(TrafficSelector.of, texts))


def test_exact_identity_ranks_above_a_wildcard_above_anybody() -> None:
    alice = Identity.parse("alice.test")
    exact = replace(CONFIG, remote=(AuthConfig(identity=alice),))
    anybody = replace(CONFIG, remote=(AuthConfig(),))
    ranks = [match_identities(one, None, alice).rank for one in (exact, CONFIG, anybody)]
    assert ranks == sorted(ranks, reverse=True) and len(set(ranks)) == 3


def test_identity_that_does_not_match_says_which() -> None:
    match = match_identities(CONFIG, None, Identity.parse("alice.example"))
    assert (match.rank, match.reason) == (
        0,
        "net: peer's identity 'alice.example' does not match '*.test'",
    )
    match = match_identities(CONFIG, Identity.parse("carol.test"), Identity.parse("alice.test"))
    assert (match.rank, match.reason) == (0, "net: peer expects 'carol.test', we are 'bob.test'")


def test_expected_identity_that_is_ours_ranks_higher() -> None:
    alice, bob = Identity.parse("alice.test"), Identity.parse("bob.test")
    assert match_identities(CONFIG, bob, alice).rank > match_identities(CONFIG, None, alice).rank


def test_peer_without_proof_is_compared_with_nothing() -> None:
    anybody = replace(CONFIG, remote=(AuthConfig(AuthClass.NULL, Identity.parse("%any")),))
    ranks = [match_identities(anybody, None, one).rank for one in (NULL, Identity.parse("alice.test"))]
    assert ranks[0] == ranks[1] > 0
    assert match_identities(CONFIG, None, Identity.parse("alice.test")).rank > ranks[1]


def test_nobody_suits_no_connection_that_asks_for_a_proof() -> None:
    open_to_all = replace(CONFIG, remote=(AuthConfig(AuthClass.PSK, Identity.parse("%any")),))
    match = match_identities(open_to_all, None, NULL)
    reason = "net: peer says it is nobody (ID_NULL), required is pre-shared key authentication"
    assert (match.rank, match.reason) == (0, reason)


def test_whom_the_peer_expects_does_not_matter_where_we_prove_nothing() -> None:
    nobody = replace(CONFIG, local=(AuthConfig(AuthClass.NULL, NULL),))
    assert match_identities(nobody, Identity.parse("carol.test"), Identity.parse("alice.test")).rank


def test_narrowing_keeps_what_both_have_in_the_peers_order() -> None:
    ours = ts("10.0.0.0/8", "192.168.0.0/16")
    theirs = ts("192.168.7.0/24", "10.1.0.0/16", "172.16.0.0/12")
    assert narrow(ours, theirs) == ts("192.168.7.0/24", "10.1.0.0/16")


def test_narrowing_drops_what_another_contains() -> None:
    packet = TrafficSelector.of("10.1.0.5/32", 6, (80, 80))
    assert narrow(ts("10.0.0.0/8"), (packet, *ts("10.1.0.0/16"))) == ts("10.1.0.0/16")


def test_narrowing_disjoint_lists_leaves_nothing() -> None:
    assert narrow(ts("10.0.0.0/8"), ts("11.0.0.0/8", "::/0")) == ()


def test_narrowing_gives_no_more_than_a_payload_holds() -> None:
    """255 selectors of ours and 255 of theirs have 65025 overlaps; it is done at once all the same."""
    hosts = [TrafficSelector.of(f"10.0.0.{n}") for n in range(255)]
    assert len(narrow(hosts, ts("10.0.0.0/8"))) == 255
    ports = [TrafficSelector.of("10.0.0.0/8", 6, (n, n)) for n in range(255)]
    found = narrow(hosts, ports)
    assert len(found) == 255


def test_peer_cannot_have_policies_installed_without_limit() -> None:
    child = ChildConfig("net", ts("10.0.0.0/8"), ts("10.0.0.0/8"))
    many = ts(*(f"10.{n}.0.0/16" for n in range(255)))
    match, _ = match_child((child,), many, many, ENDS)
    assert match is not None
    assert 0.9 * MAX_PAIRS < len(match.local) * len(match.remote) <= MAX_PAIRS
    assert (match.local[0], match.remote[0]) == (many[0], many[0])


def test_covering_is_asked_of_each_selector() -> None:
    assert covers(ts("10.0.0.0/8", "fd00::/8"), ts("10.1.0.0/16", "fd01::/16"))
    assert not covers(ts("10.0.0.0/8"), ts("10.1.0.0/16", "11.0.0.0/8"))


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 24)), min_size=1, max_size=6))
def test_narrowing_never_widens(prefixes: list[tuple[int, int]]) -> None:
    theirs = tuple(TrafficSelector.of(f"10.{octet}.0.0/{8 + bits}") for octet, bits in prefixes)
    ours = ts("10.0.0.0/9", "10.200.0.0/16")
    for one in narrow(ours, theirs):
        assert any(our.contains(one) for our in ours) and any(their.contains(one) for their in theirs)


def test_dynamic_becomes_the_host() -> None:
    assert resolve(ts("dynamic"), ENDS.local) == ts("192.0.2.2")


def test_child_that_covers_all_is_preferred_to_one_that_covers_some() -> None:
    some = ChildConfig("some", ts("10.2.1.0/24"), ts("10.1.0.0/16"))
    every = ChildConfig("every", ts("10.2.0.0/16"), ts("10.1.0.0/16"))
    match, _ = match_child((some, every), ts("10.2.0.0/16"), ts("10.1.0.0/16"), ENDS)
    assert match is not None and match.config is every
    match, _ = match_child((some,), ts("10.2.0.0/16"), ts("10.1.0.0/16"), ENDS)
    assert match is not None and match.local == ts("10.2.1.0/24")


def test_no_child_comes_with_the_selector_that_is_why() -> None:
    child = ChildConfig("net", ts("10.2.0.0/16"), ts("10.1.0.0/16"))
    match, reasons = match_child((child,), ts("10.2.0.0/16"), ts("10.9.0.0/16"), ENDS)
    assert match is None
    assert reasons == ("net: remote 10.1.0.0/16 has nothing of 10.9.0.0/16",)


def test_child_that_takes_the_packet_is_preferred_to_one_that_takes_something_else() -> None:
    """RFC 7296, 2.9: where policy allows the first selectors, the answer must include them."""
    other = ChildConfig("other", ts("10.2.1.0/24"), ts("10.1.0.0/16"))
    right = ChildConfig("right", ts("10.2.7.0/24"), ts("10.1.0.0/16"))
    packet = TrafficSelector.of("10.2.7.9", 6, (443, 443))
    match, _ = match_child((other, right), (packet, *ts("10.2.0.0/16")), ts("10.1.0.0/16"), ENDS)
    assert match is not None and match.config is right
    assert match.local == ts("10.2.7.0/24")
    assert match.others


def test_only_one_child_that_suits_is_no_choice() -> None:
    one = ChildConfig("a", ts("10.2.0.0/16"), ts("10.1.0.0/16"))
    match, reasons = match_child(
        (one, ChildConfig("b", ts("::/0"), ts("::/0"))), ts("10.0.0.0/8"), ts("10.0.0.0/8"), ENDS
    )
    assert match is not None and not match.others
    assert reasons == ("b: local ::/0 has nothing of 10.0.0.0/8",)
