"""From whack's connections to the core's records."""

from dataclasses import replace
from typing import Any

import pytest

from cygnet.base.errors import LocalError
from cygnet.crypto.tables import TransformType
from cygnet.ctl.whack import AddConnection, End, Policy
from cygnet.keying.backends.stroke_translation import Translator
from cygnet.keying.config.settings import DaemonSettings
from cygnet.pluto.backends.connections import Connection
from cygnet.pluto.backends.translation import PeerTranslator
from cygnet.pluto.config.records import Fragmentation, Method, PeerConfig

LEFT = End("192.0.2.1", id="@moon", client="10.1.0.0/16", auth="psk")
RIGHT = End("192.0.2.2", id="@sun", client="10.2.0.0/16,10.3.0.0/16", auth="psk")
NET = AddConnection("net", LEFT, RIGHT, int(Policy.PSK | Policy.ENCRYPT | Policy.TUNNEL))


def translated(message: AddConnection, swapped: bool = False) -> tuple[PeerConfig, list[str]]:
    ends = (message.right, message.left) if swapped else (message.left, message.right)
    translator = Translator(DaemonSettings(), lambda path: (), lambda name: (), lambda address: False)
    return PeerTranslator(translator)(Connection(message, *ends))


def test_ends_are_seen_from_this_host() -> None:
    here, _ = translated(NET)
    there, _ = translated(NET, swapped=True)
    assert (str(here.local.identity), str(here.remote.identity)) == ("moon", "sun")
    assert (str(there.local.identity), str(there.remote.identity)) == ("sun", "moon")
    child = here.child("net")
    assert child is not None
    assert [str(one) for one in child.local_ts] == ["10.1.0.0/16"]
    assert [str(one) for one in child.remote_ts] == ["10.2.0.0/16", "10.3.0.0/16"]


def test_policy_becomes_what_the_core_reads() -> None:
    plain, _ = translated(NET)
    assert plain.method is Method.PSK and not plain.aggressive and plain.rekey
    flags = Policy.AGGRESSIVE | Policy.DONTREKEY
    other, _ = translated(replace(NET, policy=NET.policy | flags, dpd_action="restart", dpd_timeout_s=60))
    assert other.aggressive and not other.rekey
    assert (other.dpd_delay_s, other.dpd_timeout_s) == (30, 60)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"policy": NET.policy | Policy.BEET}, "type=beet"),
        ({"left": replace(LEFT, auth2="pubkey")}, "a second authentication round"),
        ({"left": replace(LEFT, auth2="xauth-pam")}, "xauth-pam"),
        ({"left": replace(LEFT, auth="xauth")}, "do not go together"),
        ({"fragmentation": "perhaps"}, "fragmentation=perhaps is none of yes, no, accept, force"),
        ({"right": replace(RIGHT, auth="pubkey")}, "do not go together"),
        ({"ike": "rot13"}, "ike=rot13"),
    ],
)
def test_what_is_not_there_yet_is_refused_by_name(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(LocalError, match=named):
        translated(replace(NET, **changes))


def test_what_has_no_effect_is_told() -> None:
    _, none = translated(NET)
    _, notes = translated(replace(NET, inactivity_s=5))
    assert set(notes) - set(none) == {"inactivity has no effect in this version of pluto"}
    policy = NET.policy | Policy.DISABLEARRIVALCHECK
    left = replace(LEFT, nexthop="192.0.2.254", dns_key_on_demand=True)
    _, notes = translated(replace(NET, left=left, policy=policy, failure="pass"))
    assert [note.partition(" ")[0] for note in notes if note not in none] == [
        "--nexthop", "--dnskeyondemand", "--disablearrivalcheck", "--failpass",
    ]  # fmt: skip


def groups(config: PeerConfig) -> set[str]:
    return {str(one) for item in config.children[0].proposals for one in item.of_type(TransformType.KE)}


def test_perfect_forward_secrecy_has_the_group_that_is_named_or_that_of_phase_1() -> None:
    pfs = replace(NET, policy=NET.policy | Policy.PFS)
    named, _ = translated(replace(pfs, pfsgroup="modp3072"))
    assert groups(named) == {"MODP_3072"} and not named.pfs
    unnamed, _ = translated(pfs)
    assert groups(unnamed) == set() and unnamed.pfs
    in_esp, _ = translated(replace(pfs, esp="aes128-sha1-ecp256!"))
    assert groups(in_esp) == {"ECP_256"} and not in_esp.pfs
    assert not translated(NET)[0].pfs


@pytest.mark.parametrize("word", ["rot13", "sha1", "modp2048-sha1", "modp2048,modp3072"])
def test_what_is_no_group_is_refused(word: str) -> None:
    with pytest.raises(LocalError, match=f"pfsgroup={word} is no group"):
        translated(replace(NET, policy=NET.policy | Policy.PFS, pfsgroup=word))


def test_my_id_is_what_the_operator_told_last() -> None:
    told = ["@first"]
    translator = Translator(DaemonSettings(), lambda path: (), lambda name: (), lambda address: False)
    translate = PeerTranslator(translator, lambda: told[0])
    message = replace(NET, left=replace(LEFT, id="%myid"))
    assert str(translate(Connection(message, message.left, message.right))[0].local.identity) == "first"
    told[0] = ""
    assert str(translate(Connection(message, message.left, message.right))[0].local.identity) == LEFT.host


PUBKEY_LEFT, PUBKEY_RIGHT = replace(LEFT, auth="pubkey"), replace(RIGHT, auth="pubkey")


@pytest.mark.parametrize(
    ("left", "right", "method", "asks"),
    [
        (replace(LEFT, auth2="xauth"), RIGHT, Method.XAUTH_PSK, False),
        (LEFT, replace(RIGHT, auth2="xauth"), Method.XAUTH_PSK, True),
        (replace(PUBKEY_LEFT, auth2="xauth"), PUBKEY_RIGHT, Method.XAUTH_PUBKEY, False),
        (replace(LEFT, auth="xauth"), PUBKEY_RIGHT, Method.HYBRID, False),
        (PUBKEY_LEFT, replace(RIGHT, auth="xauth"), Method.HYBRID, True),
    ],
)
def test_methods_with_xauth(left: End, right: End, method: Method, asks: bool) -> None:
    config, _ = translated(replace(NET, left=left, right=right))
    assert (config.method, config.asks_user, config.is_user) == (method, asks, not asks)


def test_virtual_addresses_and_what_goes_with_them() -> None:
    client, _ = translated(replace(NET, left=replace(LEFT, srcip="%config,10.3.0.7", dns="%config6")))
    assert [str(one) for one in client.virtual_ips] == ["0.0.0.0", "10.3.0.7"]
    assert client.dns_wanted == {6} and not client.push
    pools = replace(RIGHT, srcip="10.3.0.0/24,%named", dns="10.2.0.53")
    policy = NET.policy | Policy.MODECFGPUSH
    server, _ = translated(replace(NET, right=pools, policy=policy, either_version=True))
    assert server.pools == ("10.3.0.0/24", "named") and server.push
    assert [str(one) for one in server.dns] == ["10.2.0.53"]


def test_script_and_fragmentation() -> None:
    config, _ = translated(replace(NET, left=replace(LEFT, updown="/bin/true"), fragmentation="force"))
    child: Any = config.child("net")
    assert child.updown == "/bin/true"
    assert config.fragmentation is Fragmentation.FORCE


def test_3des_is_for_who_names_it() -> None:
    for ike, has in (("", False), ("aes128-sha256-modp2048", False), ("3des-sha1-modp2048", True)):
        config, _ = translated(replace(NET, ike=ike))
        assert any("3DES_CBC" in str(one) for one in config.ike.proposals) is has
