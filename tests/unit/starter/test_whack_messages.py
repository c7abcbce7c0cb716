"""Records of ipsec.conf as messages for pluto."""

from dataclasses import fields

import pytest

from cygnet.conf.records import Authority, Connection, End, Setup
from cygnet.ctl import whack
from cygnet.ctl.whack import Policy
from cygnet.starter.whack_messages import add_authority, add_connection, is_loadable, policy


@pytest.mark.parametrize(
    ("connection", "loadable"),
    [
        (Connection("a", auto="add", keyexchange="ikev1"), True),
        (Connection("a", auto="add", keyexchange="ike"), True),
        (Connection("a", auto="add", keyexchange="ikev2"), False),
        (Connection("a", auto="ignore", keyexchange="ikev1"), False),
        (Connection("a", auto="add", keyexchange="ikev1", unsupported=("leftauth",)), False),
        (Connection("a", auto="add", keyexchange="ike", ppk_required=True), False),
        (Connection("a", auto="route", keyexchange="ikev1", type="pass"), False),
    ],
)
def test_pluto_gets_what_ikev1_can_make_up(connection: Connection, loadable: bool) -> None:
    assert is_loadable(connection) is loadable


def test_connection_travels_whole() -> None:
    left = End(
        hosts=("192.0.2.1", "gw.example"), subnets=("10.0.0.0/8", "%dynamic"), certs=("a.pem",), ca="C=CH",
        groups=("a", "b"), protocol=6, from_port=80, to_port=80, auth="pubkey", auth2="xauth", id="@moon",
        send_cert="always", updown="x", source_ips=("%config",), dns=("192.0.2.53",), ike_port=501,
        host_access=True, allow_any=True,
    )  # fmt: skip
    found = add_connection(Connection("a", left=left, keyexchange="ike", reqid=7), Setup(uniqueids="keep"))
    assert found.left == whack.End(
        "192.0.2.1,gw.example", 501, "", "@moon", "a.pem", "C=CH", "always", "a,b", "10.0.0.0/8,%dynamic",
        False, 6, 80, 80, "%config", "192.0.2.53", "x", True, False, True, "pubkey", "xauth",
    )  # fmt: skip
    assert (found.either_version, found.reqid, found.unique) == (True, 7, "keep")


def test_defaults_of_record_and_message_agree() -> None:
    built, plain = add_connection(Connection("a"), Setup()), whack.AddConnection("a")
    differing = {
        entry.name for entry in fields(plain) if getattr(built, entry.name) != getattr(plain, entry.name)
    }
    assert differing == {"left", "right", "policy", "either_version"}  # auth is never empty in records


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "PUBKEY ENCRYPT TUNNEL"),
        ({"left": End(auth="psk"), "right": End(auth="psk")}, "PSK ENCRYPT TUNNEL"),
        ({"left": End(auth="psk", auth2="xauth"), "right": End(auth="psk")}, "XAUTHPSK ENCRYPT TUNNEL"),
        ({"left": End(auth2="xauth-generic")}, "XAUTHRSASIG ENCRYPT TUNNEL"),
        ({"authby": "xauthpsk"}, "XAUTHPSK ENCRYPT TUNNEL"),
        ({"type": "transport", "esp": "aes128-sha1-modp2048!"}, "PUBKEY ENCRYPT PFS"),
        ({"type": "beet"}, "PUBKEY ENCRYPT BEET"),
        ({"ah": "sha1"}, "PUBKEY AUTHENTICATE TUNNEL"),
        ({"compress": True, "rekey": False, "reauth": False, "auto": "start"},
         "PUBKEY ENCRYPT TUNNEL COMPRESS DONTREKEY DONTREAUTH UP"),
        ({"modeconfig": "push", "xauth": "server", "aggressive": True},
         "PUBKEY ENCRYPT TUNNEL MODECFGPUSH XAUTHSERVER AGGRESSIVE"),
    ],
)  # fmt: skip
def test_policy_says_what_the_connection_does(fields: dict, expected: str) -> None:
    wanted = Policy(0)
    for word in expected.split():
        wanted |= Policy[word]
    assert policy(Connection("a", **fields)) == wanted


def test_authority_travels() -> None:
    found = add_authority(Authority("c", cacert="x", crluri="u", crluri2="v", ocspuri="o"))
    assert found == whack.AddAuthority("c", "x", crluri="u", crluri2="v", ocspuri="o")
