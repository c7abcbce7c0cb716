"""The table of methods."""

from pathlib import Path

import pytest
from simulation.eap_sides import Passwords, counting, peer, server, talk

from cygnet.base.secret import Secret
from cygnet.eap import methods
from cygnet.eap.catalogue import (
    METHODS,
    PeerSetup,
    ServerSetup,
    by_keyword,
    by_type,
    peer_methods,
    server_methods,
)
from cygnet.eap.errors import EapConfigError
from cygnet.eap.packets import GTC, MD5, MSCHAPV2, PEAP, TLS, TTLS, EapType
from cygnet.eap.ports import UserSecret


def test_keywords_and_types_are_unique():
    assert len({row.keyword for row in METHODS}) == len({row.type for row in METHODS}) == len(METHODS)


def test_every_file_of_methods_belongs_to_a_row():
    folder = Path(methods.__file__).parent
    heads = {path.stem.partition("_")[0] for path in folder.glob("*.py")} - {"", "avps", "tunnels"}
    assert heads == {row.keyword for row in METHODS}


def test_rows_are_found():
    assert by_keyword("mschapv2") is by_type(MSCHAPV2) is not None
    assert (by_type(EapType(77)), by_keyword("sim")) == (None, None)


def test_method_we_lack_is_refused_with_those_we_have():
    with pytest.raises(EapConfigError, match="EAP type 18 is not supported; known are md5"):
        peer_methods([EapType(18)], PeerSetup(b"carol", counting()))


@pytest.mark.parametrize(
    ("type", "secret", "words"),
    [
        (MD5, None, "needs an EAP secret for 'carol'"),
        (GTC, UserSecret(nt_hash=Secret(bytes(16))), "NT hash is not enough"),
        (MSCHAPV2, UserSecret(), "needs a password or an NT hash"),
        (TLS, None, "EAP-TLS needs certificates"),
        (TTLS, None, "EAP-TTLS needs certificates"),
        (PEAP, None, "EAP-PEAP needs certificates"),
    ],
)
def test_peer_says_what_it_lacks(type, secret, words):
    made = peer_methods([type], PeerSetup(b"carol", counting(), secret))
    with pytest.raises(EapConfigError, match=words):
        made[type]()


def test_server_says_what_it_lacks():
    made = server_methods([TLS], ServerSetup(b"aaa", counting(), Passwords()), b"carol")
    with pytest.raises(EapConfigError, match="needs certificates"):
        made[TLS]()


def test_lack_ends_the_conversation_on_both_sides():
    result = talk(peer([MSCHAPV2], secret=None), server([MSCHAPV2]))
    assert "needs an EAP secret" in result.peer.reason
    result = talk(peer([TLS]), server([TLS], tls=None))
    assert "needs certificates" in result.server.reason and "refused the EAP identity" in result.peer.reason


def test_no_tunnel_goes_into_a_tunnel():
    result = talk(peer([PEAP], inner=(TTLS, MD5)), server([PEAP], inner=(TTLS, MD5)))
    assert result.server.proof is not None
    assert result.server.proof.inner == "EAP-MD5"


@pytest.mark.parametrize("row", METHODS, ids=lambda row: row.keyword)
def test_methods_that_say_so_make_keys(row):
    result = talk(peer([row.type]), server([row.type]))
    assert result.agreed
    assert result.server.proof is not None
    assert (len(result.server.proof.msk) == 64) == row.keyed
