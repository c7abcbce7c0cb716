"""``conn`` to records: orientation, selectors, identities, proposals, times, refusals."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from types import SimpleNamespace
from typing import Any

import pytest

from cygnet.base.addresses import Address
from cygnet.base.identities import ANY, NULL, Identity
from cygnet.base.selectors import TrafficSelector
from cygnet.cert.certificates import Certificate
from cygnet.crypto.proposals import Protocol, default_proposals, parse_proposals
from cygnet.ctl.stroke import AddConnection, End
from cygnet.eap.packets import MSCHAPV2, TLS, EapType
from cygnet.kernel.port import Lifetime
from cygnet.keying.backends.errors import ConfigError
from cygnet.keying.backends.stroke_translation import Translator
from cygnet.keying.config.records import (
    Action,
    AddressSpec,
    AuthClass,
    ChildConfig,
    Childless,
    PeerConfig,
    SendCert,
    Unique,
)
from cygnet.keying.config.resolvers import EncryptedResolver
from cygnet.keying.config.settings import DaemonSettings

OURS, THEIRS = "192.0.2.1", "192.0.2.2"
NET = AddConnection("net", End(OURS, subnets="10.1.0.0/16"), End(THEIRS, subnets="10.2.0.0/16"))


def test_ends_stay_where_left_is_ours() -> None:
    peer = translated(NET)
    assert (peer.ike.local.hosts, peer.ike.remote.hosts) == ((OURS,), (THEIRS,))
    assert child(peer).local_ts == (TrafficSelector.of("10.1.0.0/16"),)


def test_ends_are_swapped_where_only_right_is_ours() -> None:
    swapped = replace(NET, left=NET.right, right=NET.left)
    assert translated(swapped) == translated(NET)


def test_ends_are_swapped_where_left_is_anybody_and_right_is_ours() -> None:
    peer = translated(AddConnection("rw", End("%any"), End(OURS)))
    assert (peer.ike.local.hosts, peer.ike.remote.hosts) == ((OURS,), ())


def test_names_tell_which_end_is_ours() -> None:
    peer = translated(AddConnection("rw", End("peer.example"), End("us.example")))
    assert peer.ike.local.hosts == ("us.example",)


def test_swapping_may_be_switched_off() -> None:
    settings = DaemonSettings(stroke_allow_swap=False)
    peer, _ = translator(settings).translate(replace(NET, left=NET.right, right=NET.left))
    assert peer.ike.local.hosts == (THEIRS,)


def test_neither_end_ours_is_told_and_left_taken() -> None:
    peer, warnings = translator().translate(AddConnection("x", End("198.51.100.1"), End(THEIRS)))
    assert peer.ike.local.hosts == ("198.51.100.1",)
    assert warnings == ["left nor right host is our side, assuming left=local"]


@pytest.mark.parametrize(
    ("end", "spec", "text"),
    [
        (End("%any"), AddressSpec(), "%any"),
        (End("192.0.2.2", ikeport=4500), AddressSpec(("192.0.2.2",), 4500), "192.0.2.2"),
        (End("%peer.example"), AddressSpec(("peer.example",), 500, True), "%peer.example"),
        (End("peer.example", allow_any=True), AddressSpec(("peer.example",), 500, True), "%peer.example"),
        (End("10.0.0.0/8, 192.0.2.2"), AddressSpec(("10.0.0.0/8", "192.0.2.2")), "10.0.0.0/8,192.0.2.2"),
    ],
)
def test_addresses_are_kept_as_written(end: End, spec: AddressSpec, text: str) -> None:
    peer = translated(AddConnection("x", End(OURS), end))
    assert peer.ike.remote == spec
    assert str(peer.ike.remote) == text


@pytest.mark.parametrize(
    ("end", "selectors"),
    [
        (End(), ["dynamic"]),
        (End(protocol=17, from_port=1701, to_port=1701), ["dynamic[udp/l2f]"]),
        (End(subnets="10.0.0.0/8,192.168.0.0/16"), ["10.0.0.0/8", "192.168.0.0/16"]),
        (End(subnets="10.0.0.1"), ["10.0.0.1/32"]),
        (End(subnets="10.0.0.0/8[tcp/http],%dynamic[udp/1000-2000]"),
         ["10.0.0.0/8[tcp/http]", "dynamic[udp/1000-2000]"]),
        (End(subnets="10.0.0.0/8[tcp/%any],[gre]"), ["10.0.0.0/8[tcp]", "dynamic[gre]"]),
        (End(subnets="10.0.0.0/8[17/%opaque]"), ["10.0.0.0/8[udp/OPAQUE]"]),
        (End(subnets="10.0.0.1-10.0.0.9"), ["10.0.0.1..10.0.0.9"]),
        (End(subnets="10.0.0.0/8", protocol=6), ["10.0.0.0/8[tcp]"]),
        (End(subnets="2001:db8::/32[tcp/22]"), ["2001:db8::/32[tcp/ssh]"]),
    ],
)  # fmt: skip
def test_subnets_become_selectors(end: End, selectors: list[str]) -> None:
    peer = translated(AddConnection("x", replace(end, address=OURS), End(THEIRS)))
    assert list(map(str, child(peer).local_ts)) == selectors


@pytest.mark.parametrize(
    ("subnets", "named"),
    [("10.0.0.0/33", "10.0.0.0/33"), ("10.0.0.0/8[tcp", "tcp"), ("10.0.0.0/8[nosuch]", "nosuch"),
     ("10.0.0.0/8[tcp/99999]", "99999"), ("10.0.0.0/8[tcp/nosuch]", "nosuch"), ("10.0.0.0/8[300]", "300")],
)  # fmt: skip
def test_bad_subnet_is_named(subnets: str, named: str) -> None:
    with pytest.raises(ConfigError, match=f"leftsubnet.*{named}"):
        translated(AddConnection("x", End(OURS, subnets=subnets), End(THEIRS)))


def test_identities_default_to_the_addresses() -> None:
    peer = translated(replace(NET, authby="psk"))
    assert peer.local[0].identity == Identity.parse(OURS)
    assert peer.remote[0].identity == Identity.parse(THEIRS)
    assert peer.local[0].auth is AuthClass.PSK


def test_identity_of_anybody_is_unknown_for_us_and_anybody_for_the_peer() -> None:
    peer, _ = translator(DaemonSettings()).translate(AddConnection("x", End("%any"), End("%any")))
    assert peer.local[0].identity is None
    assert peer.remote[0].identity == Identity.parse("%any")


def test_explicit_anybody_beats_the_peers_address() -> None:
    peer = translated(AddConnection("x", End(OURS), End(THEIRS, id="%any")))
    assert peer.remote[0].identity == Identity.parse("%any")


def test_identities_as_written_win() -> None:
    peer = translated(AddConnection("x", End(OURS, id="@a.lab"), End(THEIRS, id="C=CH, CN=b")))
    assert str(peer.local[0].identity) == "a.lab"
    assert str(peer.remote[0].identity) == "C=CH, CN=b"


def test_certificate_gives_the_identity() -> None:
    peer = translated(AddConnection("x", End(OURS, cert="a.pem"), End(THEIRS, cert="b.pem")))
    assert peer.local[0].identity == Identity.parse("CN=a.pem")
    assert peer.local[0].certificates == (b"a.pem",)
    assert peer.remote[0].identity == Identity.parse("CN=b.pem")


def test_address_that_the_certificate_carries_is_the_identity() -> None:
    peer = translated(AddConnection("x", End(OURS, cert="addressed.pem"), End(THEIRS)))
    assert peer.local[0].identity == Identity.parse(OURS)


def test_identity_that_the_certificate_carries_is_kept() -> None:
    peer = translated(AddConnection("x", End(OURS, cert="a.pem", id="@a.pem.lab"), End(THEIRS)))
    assert str(peer.local[0].identity) == "a.pem.lab"


def test_identity_that_the_certificate_does_not_carry_gives_way_to_its_subject() -> None:
    request = AddConnection("x", End(OURS, cert="a.pem", id="@other"), End(THEIRS))
    peer, warnings = translator().translate(request)
    assert peer.local[0].identity == Identity.parse("CN=a.pem")
    assert warnings == ["id 'other' not confirmed by certificate, defaulting to 'CN=a.pem'"]


def test_authorities_are_demanded() -> None:
    peer = translated(AddConnection("x", End(OURS, cert="a.pem"), End(THEIRS, ca="C=CH, O=Lab")))
    assert list(map(str, peer.remote[0].authorities)) == ["C=CH, O=Lab"]


@pytest.mark.parametrize("left", [End(OURS, cert="a.pem"), End(OURS, ca="CN=issuer")])
def test_same_authority_is_that_of_the_other_end(left: End) -> None:
    peer = translated(AddConnection("x", left, End(THEIRS, ca="%same")))
    assert list(map(str, peer.remote[0].authorities)) == ["CN=issuer"]


def test_same_authority_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="%same"):
        translated(AddConnection("x", End(OURS), End(THEIRS, ca="%same")))


@pytest.mark.parametrize(
    ("auth", "authby", "expected"),
    [
        ("", "", (AuthClass.PUBKEY, (), 0)),
        ("", "secret", (AuthClass.PSK, (), 0)),
        ("", "rsasig", (AuthClass.PUBKEY, (), 0)),
        ("", "never", (AuthClass.ANY, (), 0)),
        ("psk", "pubkey", (AuthClass.PSK, (), 0)),
        ("ed25519", "", (AuthClass.PUBKEY, ("ED25519",), 0)),
        ("rsa-3072-sha384", "",
         (AuthClass.PUBKEY, ("RSA_EMSA_PKCS1_SHA2_384", "RSA_EMSA_PSS_SHA2_384"), 3072)),
        ("rsa/pss-sha256", "", (AuthClass.PUBKEY, ("RSA_EMSA_PSS_SHA2_256",), 0)),
        ("ike:ecdsa-sha512", "", (AuthClass.PUBKEY, ("ECDSA_WITH_SHA512_DER", "ECDSA-521"), 0)),
    ],
)  # fmt: skip
def test_authentication_is_read(auth: str, authby: str, expected: tuple[object, ...]) -> None:
    peer = translated(AddConnection("x", End(OURS, auth=auth), End(THEIRS, auth=auth), authby=authby))
    got = peer.remote[0]
    assert (got.auth, got.signature_schemes, got.min_key_bits) == expected


@pytest.mark.parametrize(
    ("sendcert", "expected"),
    [("yes", SendCert.ALWAYS), ("ifasked", SendCert.IF_ASKED), ("never", SendCert.NEVER)],
)
def test_sending_of_certificates_is_read(sendcert: str, expected: SendCert) -> None:
    peer = translated(AddConnection("x", End(OURS, sendcert=sendcert), End(THEIRS)))
    assert peer.local[0].send_cert is expected


def test_proposals_default_to_strongswans() -> None:
    peer = translated(NET)
    assert peer.ike.proposals == default_proposals(Protocol.IKE)
    assert child(peer).proposals == default_proposals(Protocol.ESP)


def test_proposals_are_parsed() -> None:
    peer = translated(replace(NET, ike="aes256-sha256-modp2048!", esp="aes128gcm16!"))
    assert peer.ike.proposals == parse_proposals("aes256-sha256-modp2048!", Protocol.IKE)
    assert child(peer).proposals == parse_proposals("aes128gcm16!", Protocol.ESP)


def test_unknown_algorithm_is_named_with_its_keyword() -> None:
    with pytest.raises(ConfigError, match=r"esp=aes129.*did you mean"):
        translated(replace(NET, esp="aes129"))


def test_times_and_tries_are_taken_over() -> None:
    peer = translated(replace(
        NET, ike_lifetime_s=7200, lifetime_s=1800, margin_s=300, fuzz_percent=50, keying_tries=0,
        life_bytes=1000, margin_bytes=100, unique="keep", reauth=False, mobike=False,
    ))  # fmt: skip
    assert (peer.ike_lifetime_s, peer.margin_s, peer.fuzz_percent) == (7200, 300, 50)
    assert (peer.keying_tries, peer.unique, peer.reauth, peer.mobike) == (0, Unique.KEEP, False, False)
    assert child(peer).lifetime == Lifetime(soft_s=1500, hard_s=1800, soft_bytes=900, hard_bytes=1000)


def test_without_rekeying_nothing_ends_as_in_strongswan() -> None:
    peer = translated(replace(NET, rekey=False, life_bytes=1000, life_packets=100))
    assert child(peer).lifetime == Lifetime()
    assert (peer.rekey, peer.reauth, peer.ike_lifetime_s) == (False, False, 0)


def test_encrypted_dns_of_both_ends() -> None:
    left, right = End(OURS, encdns="%config4,%config6"), End(THEIRS, encdns="dns.lab 10.2.0.53")
    peer = translated(replace(NET, left=left, right=right))
    assert peer.encdns_wanted == {4, 6}
    assert peer.encdns == (EncryptedResolver("dns.lab", (ip_address("10.2.0.53"),)),)
    with pytest.raises(ConfigError, match="leftencdns=yes is neither an address nor %config"):
        translated(replace(NET, left=End(OURS, encdns="yes")))


def test_ppk_of_a_connection() -> None:
    peer = translated(replace(NET, ppk_id="ppk.of.moon", ppk_required=True))
    assert (peer.ppk_id, peer.ppk_required) == (Identity.parse("ppk.of.moon"), True)
    assert (translated(NET).ppk_id, translated(NET).ppk_required) == (None, False)


def test_margins_of_all_kinds_and_childless() -> None:
    request = replace(
        NET, life_bytes=1000, margin_bytes=100, life_packets=50, margin_packets=60, childless="prefer"
    )
    peer = translated(request)
    assert child(peer).lifetime == Lifetime(3060, 3600, 900, 1000, 1, 50)
    assert peer.ike.childless is Childless.PREFER
    with pytest.raises(ConfigError, match=r"childless=no is none of allow, prefer, force, never"):
        translated(replace(NET, childless="no"))


@pytest.mark.parametrize(
    ("action", "delay_s", "expected"),
    [
        ("none", 0, Action.NONE),
        ("clear", 30, Action.CLEAR),
        ("hold", 30, Action.TRAP),
        ("restart", 30, Action.START),
    ],
)
def test_dead_peer_detection_is_on_only_with_an_action(action: str, delay_s: float, expected: Action) -> None:
    peer = translated(replace(NET, dpd_action=action, close_action=action))
    assert peer.dpd_delay_s == delay_s
    assert child(peer).dpd_action is child(peer).close_action is expected


@pytest.mark.parametrize(
    "changes",
    [
        {"mode": "transport_proxy"}, {"mode": "nonsense"}, {"mediation": True}, {"unique": "maybe"},
        {"dpd_action": "panic"}, {"authby": "xauthpsk"}, {"left": End(OURS, auth="eap-radius")},
        {"left": End(OURS, sourceip="nonsense")}, {"right": End(THEIRS, auth2="any")},
        {"right": End(THEIRS, groups2="a")}, {"left": End(OURS, sendcert="x")},
        {"left": End(OURS, auth="rsa-sha257")}, {"left": End(OURS, cert="missing")},
    ],
)  # fmt: skip
def test_what_this_version_cannot_do_is_refused_with_words(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"\w+ \w+"):
        translated(replace(NET, **changes))


@dataclass(frozen=True)
class FakeCertificate:
    """Speaks for its subject and one name; ``addressed.pem`` for our address, too."""

    der: bytes
    subject: Identity
    issuer: Identity

    def matches(self, identity: Identity) -> bool:
        address = [Identity.parse(OURS)] if self.der == b"addressed.pem" else []
        return identity in (self.subject, Identity.parse(f"@{self.der.decode()}.lab"), *address)


def test_anybody_at_our_end_is_the_address() -> None:
    assert translated(AddConnection("x", End(OURS, id="%any"), End(THEIRS))).local[0].identity == \
        Identity.parse(OURS)  # fmt: skip


# Second rounds (RFC 4739)


@pytest.mark.parametrize("side", ["left", "right"])
def test_second_round_by_certificate(side: str) -> None:
    words = {"auth": "psk", "id": "@first.lab", "auth2": "rsa-2048", "cert2": "a.pem", "ca2": "CN=issuer",
             "groups2": "staff"}  # fmt: skip
    request = replace(NET, **{side: replace(getattr(NET, side), **words)})  # type: ignore[arg-type]
    peer = translated(request)
    first, second = peer.local if side == "left" else peer.remote
    assert (first.auth, first.certificates, first.groups) == (AuthClass.PSK, (), ())
    assert (second.auth, second.certificates, second.min_key_bits) == (AuthClass.PUBKEY, (b"a.pem",), 2048)
    assert (second.identity, second.groups) == (Identity.parse("CN=a.pem"), ("staff",))
    assert second.authorities == (Identity.parse("CN=issuer"),)


def test_second_round_without_an_identity() -> None:
    """We stay who we are; the peer may be anybody whom the CA admits."""
    ends = {side: End(address, id=f"@{side}.lab", auth2="pubkey", ca2="CN=issuer")
            for side, address in (("left", OURS), ("right", THEIRS))}  # fmt: skip
    peer = translated(AddConnection("x", **ends))
    assert [str(one.identity) for one in (*peer.local, *peer.remote)] == [
        "left.lab", "left.lab", "right.lab", "%any",
    ]  # fmt: skip


def test_second_round_keeps_the_identity_that_its_certificate_carries() -> None:
    left = End(OURS, id="@a.pem.lab", auth="psk", auth2="pubkey", cert2="a.pem")
    assert str(translated(replace(NET, left=left)).local[1].identity) == "a.pem.lab"
    other = replace(left, id2="@other")
    peer, warnings = translator().translate(replace(NET, left=other))
    assert str(peer.local[1].identity) == "CN=a.pem"
    assert warnings == ["id 'other' not confirmed by certificate, defaulting to 'CN=a.pem'"]


def test_same_authority_in_the_second_round() -> None:
    left = End(OURS, auth2="pubkey", cert2="a.pem")
    right = End(THEIRS, auth2="pubkey", ca2="%same")
    assert translated(AddConnection("x", left, right)).remote[1].authorities == (Identity.parse("CN=issuer"),)


@pytest.mark.parametrize("word", ["id2", "cert2", "ca2", "groups2"])
def test_words_of_a_second_round_that_is_none_are_refused(word: str) -> None:
    with pytest.raises(ConfigError, match=f"'{word}' belongs to a second round, which needs 'auth2'"):
        translated(replace(NET, left=replace(NET.left, **{word: "x"})))  # type: ignore[arg-type]


# Raw public keys


def test_raw_keys_speak_for_the_identities_of_their_ends() -> None:
    left, right = End(OURS, sigkey="own.pem"), End(THEIRS, sigkey="0s1234", id="@sun.lab")
    peer = translated(AddConnection("x", left, right))
    assert peer.local[0].public_keys == (f"own.pem of {OURS}".encode(),)
    assert peer.remote[0].public_keys == (b"0s1234 of sun.lab",)
    assert peer.remote[0].certificates == ()


@pytest.mark.parametrize("right", [End(THEIRS, sigkey="%cert"), End(THEIRS, sigkey="0s12", auth="psk")])
def test_raw_key_that_is_not_asked_for_is_not_loaded(right: End) -> None:
    assert translated(replace(NET, right=right)).remote[0].public_keys == ()


@pytest.mark.parametrize("right", [End("%any", sigkey="0s12"), End(THEIRS, sigkey="0s12", id="*.lab")])
def test_raw_key_of_nobody_in_particular_is_refused(right: End) -> None:
    with pytest.raises(ConfigError, match="'sigkey' needs 'id', or one address"):
        translated(AddConnection("x", End(OURS), right))


def test_daemon_without_raw_keys_says_so() -> None:
    without = Translator(DaemonSettings(), load, resolve, lambda address: True)
    with pytest.raises(ConfigError, match="'sigkey'"):
        without.translate(AddConnection("x", End(OURS), End(THEIRS, sigkey="0s12")))


# NULL authentication (RFC 7619)


def test_nobody_here_and_anybody_there() -> None:
    peer = translated(AddConnection("x", End(OURS, auth="null"), End(THEIRS, auth="null")))
    assert [(one.auth, one.identity) for one in (*peer.local, *peer.remote)] == [
        (AuthClass.NULL, NULL), (AuthClass.NULL, ANY),
    ]  # fmt: skip


@pytest.mark.parametrize(("written", "identity"), [("%null", NULL), ("@a.lab", Identity.parse("@a.lab"))])
def test_name_may_be_told_without_proof(written: str, identity: Identity) -> None:
    left = End(OURS, auth="null", id=written)
    assert translated(replace(NET, left=left)).local[0].identity == identity


def test_name_of_a_peer_without_proof_is_told_to_be_useless() -> None:
    right = End(THEIRS, auth="null", id="@sun.lab")
    peer, warnings = translator().translate(replace(NET, right=right))
    assert peer.remote[0].identity == ANY
    assert warnings == ["id '@sun.lab' is not looked at, since 'auth=null' asks for no proof of it"]
    quiet = replace(NET, right=replace(right, id="%any"))
    assert translator().translate(quiet)[1] == []


@pytest.mark.parametrize(
    ("left", "right", "reason"),
    [
        ({"auth": "null"}, {"auth": "eap"}, "do not go together"),
        ({"auth": "eap"}, {"auth": "null"}, "do not go together"),
        ({"auth": "null", "auth2": "psk"}, {}, "proves nothing"),
        ({"auth2": "null"}, {}, "cannot be a second"),
        ({}, {"auth": "null", "auth2": "psk"}, "'auth2' asks for a proof"),
        ({}, {"auth": "null", "ca": "CN=issuer"}, "'ca' asks for a proof"),
        ({}, {"auth": "null", "cert": "a.pem"}, "'cert' asks for a proof"),
        ({}, {"auth": "null", "sigkey": "0s12"}, "'sigkey' asks for a proof"),
        ({}, {"auth": "null", "groups": "staff"}, "'groups' asks for a proof"),
    ],
)
def test_null_authentication_stands_alone(left: dict[str, str], right: dict[str, str], reason: str) -> None:
    request = AddConnection("x", replace(NET.left, **left), replace(NET.right, **right))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=reason):
        translated(request)


def load_key(text: str, identity: Identity) -> Any:
    return SimpleNamespace(spki=f"{text} of {identity}".encode())


def load(path: str) -> Sequence[Certificate]:
    if path == "missing":
        raise ConfigError("no such file")
    found: Any = FakeCertificate(path.encode(), Identity.parse(f"CN={path}"), Identity.parse("CN=issuer"))
    return [found]


def resolve(name: str) -> tuple[Address, ...]:
    known = {"us.example": OURS, "peer.example": THEIRS}
    return (ip_address(known.get(name, name)),)


def translator(settings: DaemonSettings = DaemonSettings()) -> Translator:  # noqa: B008 - frozen
    return Translator(settings, load, resolve, lambda address: str(address) == OURS, load_key=load_key)


def translated(request: AddConnection) -> PeerConfig:
    return translator().translate(request)[0]


def child(peer: PeerConfig) -> ChildConfig:
    return peer.children[0]


@pytest.mark.parametrize(
    ("auth", "methods"),
    [("eap", ()), ("eap-mschapv2", (MSCHAPV2,)), ("eap-26", (MSCHAPV2,)), ("eap-tls", (TLS,))],
)
def test_eap_of_the_peer(auth: str, methods: tuple[EapType, ...]) -> None:
    right = replace(NET.right, auth=auth)
    request = replace(NET, right=right, eap_identity="%identity", aaa_identity="aaa.lab")
    (asked,) = translated(request).remote
    assert (asked.auth, asked.eap_methods) == (AuthClass.EAP, methods)
    assert asked.eap_identity == ANY
    assert asked.aaa_identity == Identity.parse("aaa.lab")
    assert translated(request).local[0].eap_identity is None


def test_own_user_name() -> None:
    request = replace(NET, left=replace(NET.left, auth="eap-md5"), eap_identity="carol")
    assert translated(request).local[0].eap_identity == Identity.parse("carol")


def test_virtual_addresses_and_name_servers() -> None:
    left = End(OURS, sourceip="%config,%config6", dns="%config4")
    peer = translated(replace(NET, left=left))
    assert list(map(str, peer.virtual_ips)) == ["0.0.0.0", "::"]
    assert (peer.dns_wanted, peer.pools, peer.dns) == ({4}, (), ())
    right = End(THEIRS, sourceip="10.3.0.0/24,%other", dns="10.2.0.53")
    peer = translated(replace(NET, right=right))
    assert (peer.pools, peer.virtual_ips) == (("10.3.0.0/24", "other"), ())
    assert list(map(str, peer.dns)) == ["10.2.0.53"]


def test_any_address_is_of_the_tunnels_family() -> None:
    request = AddConnection("rw", End("%any", sourceip="%config"), End("2001:db8::1"))
    assert list(map(str, translated(request).virtual_ips)) == ["::"]
