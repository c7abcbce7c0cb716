"""EAP, XAUTH and NTLM entries of ``ipsec.secrets``."""

import pytest

from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.conf.secrets import SecretEntry, SecretKind
from cygnet.eap.ports import UserSecret
from cygnet.keying.backends.eap_secrets import EapSecrets, read
from cygnet.keying.backends.reports import Report


@pytest.mark.parametrize(
    ("entries", "user", "server", "found"),
    [
        (["carol", ""], "carol", "sun.lab", "carol"),
        (["", "carol"], "dave", "sun.lab", ""),
        (["carol sun.lab", "carol moon.lab"], "carol", "moon.lab", "carol moon.lab"),
        (["carol sun.lab", "carol"], "carol", "moon.lab", "carol"),
        (["*@lab", "carol@lab"], "carol@lab", None, "carol@lab"),
        (["sun.lab"], "carol", "sun.lab", None),
        (["carol"], "%any", "sun.lab", None),
        (["carol"], "*", "sun.lab", None),
        (["carol"], "CAROL", None, "carol"),
    ],
)
def test_entry_of_the_user_counts(
    entries: list[str], user: str, server: str | None, found: str | None
) -> None:
    secrets, report = secrets_of(*(entry(SecretKind.EAP, text) for text in entries))
    secret = secrets.find(Identity.parse(user), Identity.parse(server) if server else None)
    assert report.complete
    assert (secret and secret.password) == (None if found is None else Secret(found.encode()))


def test_xauth_is_read_as_eap() -> None:
    secrets, _ = secrets_of(entry(SecretKind.XAUTH, "carol"))
    assert secrets.find(Identity.parse("carol"), None) == UserSecret(Secret(b"carol"))


def test_ntlm_is_a_hash_of_16_octets() -> None:
    secrets, report = secrets_of(entry(SecretKind.NTLM, "carol", bytes(16)))
    assert report.complete
    assert secrets.find(Identity.parse("carol"), None) == UserSecret(nt_hash=Secret(bytes(16)))


def test_ntlm_of_another_length_is_told_with_its_place() -> None:
    secrets, report = secrets_of(entry(SecretKind.NTLM, "carol", b"a password"))
    assert secrets == EapSecrets()
    assert not report.complete
    assert list(report.problems) == ["secrets:7: an NTLM hash has 16 octets, write it as 0x…"]


def test_other_kinds_are_none_of_these() -> None:
    assert secrets_of(entry(SecretKind.PSK, "carol"))[0] == EapSecrets()


def entry(kind: SecretKind, selectors: str, secret: bytes | None = None) -> SecretEntry:
    value = Secret(selectors.encode() if secret is None else secret)
    return SecretEntry(tuple(selectors.split()), kind, value, file="secrets", line=7)


def secrets_of(*entries: SecretEntry) -> tuple[EapSecrets, Report]:
    report = Report(lambda group, level, text: None)
    return read(entries, report), report
