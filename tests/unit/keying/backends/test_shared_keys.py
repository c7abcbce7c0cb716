"""Which pre-shared key is used between two identities."""

import pytest

from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.keying.backends.shared_keys import SharedKey, SharedKeys


@pytest.mark.parametrize(
    ("entries", "local", "remote", "secrets"),
    [
        (["@a @b", "@a", ""], "@a", "@b", ["@a @b", "@a", ""]),
        (["", "@a", "@a @b"], "@a", "@b", ["@a @b", "@a", ""]),
        (["@b", ""], "@a", "@b", ["@b", ""]),
        (["@c", "@c @d"], "@a", "@b", []),
        (["@a @c", "@a"], "@a", "@b", ["@a", "@a @c"]),
        (["%any", ""], "@a", "@b", ["%any", ""]),
        (["@a %any", "@a @b", "%any"], "@a", "@b", ["@a @b", "@a %any", "%any"]),
        (["*.lab", "@b.lab"], "@a", "@b.lab", ["@b.lab", "*.lab"]),
        (["192.0.2.1 192.0.2.2"], "192.0.2.1", "192.0.2.2", ["192.0.2.1 192.0.2.2"]),
        (["2001:db8::1"], "2001:db8::1", "@b", ["2001:db8::1"]),
        (["alice@lab bob@lab"], "alice@lab", "bob@lab", ["alice@lab bob@lab"]),
        (["@B.LAB"], "@a", "@b.lab", ["@B.LAB"]),
        (["O=Lab,CN=*"], "@a", "O=Lab, CN=b", ["O=Lab,CN=*"]),
    ],
)
def test_most_specific_entry_wins(entries: list[str], local: str, remote: str, secrets: list[str]) -> None:
    found = index(*entries).secrets(Identity.parse(local), Identity.parse(remote))
    assert [secret.reveal().decode() for secret in found] == secrets


def test_unknown_peer_leaves_the_own_identity_to_decide() -> None:
    found = index("@b", "@a", "").secrets(Identity.parse("@a"), None)
    assert [secret.reveal() for secret in found] == [b"@a", b""]


def test_same_secret_is_offered_once() -> None:
    keys = [SharedKey((Identity.parse(name),), Secret(b"same")) for name in ("@a", "@b")]
    assert len(SharedKeys.of(keys).secrets(Identity.parse("@a"), Identity.parse("@b"))) == 1


def test_every_rank_has_a_reason() -> None:
    ranked = index("@a @b", "@a", "%any", "").ranked(Identity.parse("@a"), Identity.parse("@b"))
    assert [reason for _, reason in ranked] == [
        "for both identities", "for one of the two identities", "for anybody", "for everybody",
    ]  # fmt: skip


def index(*entries: str) -> SharedKeys:
    """Entries whose secret is their own text."""
    return SharedKeys.of(SharedKey(selectors(entry), Secret(entry.encode())) for entry in entries)


def selectors(entry: str) -> tuple[Identity, ...]:
    """One DN, or identities without blanks in them."""
    return tuple(map(Identity.parse, [entry] if "=" in entry else entry.split()))
