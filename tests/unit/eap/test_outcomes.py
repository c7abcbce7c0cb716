"""What a conversation comes to."""

from cygnet.base.secret import Secret
from cygnet.eap.outcomes import Proof, Turn, shown
from cygnet.eap.packets import MD5


def test_a_turn_ends_with_a_proof_or_a_reason():
    assert [turn.over for turn in (Turn(b"x"), Turn(proof=Proof(b"c", MD5)), Turn(reason="no"))] == [
        False,
        True,
        True,
    ]


def test_shown_text_is_printable_and_short():
    assert shown(b"a\x1b[31m\n\xff") == "a?[31m?\N{REPLACEMENT CHARACTER}"
    assert shown(b"x" * 100, 5) == "xxxxx…"


def test_keys_are_not_printed():
    assert "6b6579" not in repr(Proof(b"c", MD5, Secret(b"key"))) and "key" not in repr(Secret(b"key"))
