"""Who is the user of XAUTH, by what words."""

from dataclasses import replace

import pytest

from cygnet.ctl.whack import AddConnection, End, Policy
from cygnet.pluto.backends.xauth_terms import XauthError, terms
from cygnet.pluto.config.records import XauthConfig

LEFT, RIGHT = End("192.0.2.1", auth="psk"), End("192.0.2.2", auth="psk")
NET = AddConnection("net", LEFT, RIGHT)


def test_without_xauth_the_ends_are_as_written() -> None:
    found = terms(NET, LEFT, RIGHT)
    assert (found.local, found.remote, found.xauth, found.hybrid) == (LEFT, RIGHT, None, False)


@pytest.mark.parametrize("word", ["xauth", "xauth-generic"])
def test_second_round_of_ours_makes_us_the_user(word: str) -> None:
    found = terms(NET, replace(LEFT, auth2=word, id2="carol"), RIGHT)
    assert found.xauth == XauthConfig(server=False, user="carol")
    assert (found.local, found.remote, found.hybrid) == (LEFT, RIGHT, False)


def test_second_round_of_the_peer_makes_us_the_server() -> None:
    found = terms(replace(NET, xauth_identity="dave"), LEFT, replace(RIGHT, auth2="xauth"))
    assert found.xauth == XauthConfig(server=True, user="dave")
    assert (found.local, found.remote) == (LEFT, RIGHT)


def test_xauth_alone_is_hybrid() -> None:
    found = terms(NET, replace(LEFT, auth="xauth"), RIGHT)
    assert found.hybrid and found.local.auth == "any" and found.xauth == XauthConfig()


@pytest.mark.parametrize("server", [False, True])
def test_policy_says_who_is_the_server(server: bool) -> None:
    policy = Policy.XAUTHPSK | (Policy.XAUTHSERVER if server else Policy(0))
    assert terms(replace(NET, policy=int(policy)), LEFT, RIGHT).xauth == XauthConfig(server)


@pytest.mark.parametrize(
    ("left", "right", "named"),
    [
        ({"auth2": "xauth"}, {"auth2": "xauth"}, "only one side"),
        ({"auth2": "xauth-pam"}, {}, "there is no xauth-pam"),
        ({"auth": "xauth", "auth2": "psk"}, {}, "XAUTH stands last"),
    ],
)
def test_what_makes_no_sense_is_refused(left: dict[str, str], right: dict[str, str], named: str) -> None:
    with pytest.raises(XauthError, match=named):
        terms(NET, replace(LEFT, **left), replace(RIGHT, **right))
