"""PPK entries of ``ipsec.secrets``."""

from cygnet.base.secret import Secret
from cygnet.conf.secrets import SecretEntry, SecretKind
from cygnet.keying.backends.ppk_secrets import PpkSecrets, read
from cygnet.keying.backends.reports import Report

FIRST, SECOND = bytes(range(32)), bytes(range(32, 64))


def test_keys_by_the_octets_of_their_names() -> None:
    ppks, report = ppks_of(entry("a.lab b@lab @#6162", FIRST), entry("192.0.2.1", SECOND))
    for name in (b"a.lab", b"b@lab", b"ab"):
        assert ppks.find(name) == Secret(FIRST)
    assert ppks.find(bytes((192, 0, 2, 1))) == Secret(SECOND)
    assert ppks.find(b"another") is None
    assert ppks and report.complete and not report.problems


def test_entry_without_a_name_is_for_all_others() -> None:
    for everybody in ("", "%any"):
        ppks, _ = ppks_of(entry("a.lab", FIRST), entry(everybody, SECOND))
        assert (ppks.find(b"a.lab"), ppks.find(b"b")) == (Secret(FIRST), Secret(SECOND))


def test_first_of_a_name_counts() -> None:
    ppks, _ = ppks_of(entry("a", FIRST), entry("a", SECOND), entry("", FIRST), entry("", SECOND))
    assert ppks.find(b"a") == ppks.find(b"b") == Secret(FIRST)


def test_short_one_is_used_and_told() -> None:
    ppks, report = ppks_of(entry("a", bytes(31)))
    assert ppks.find(b"a") == Secret(bytes(31)) and report.complete
    assert report.problems[0].startswith("secrets:7: this PPK has fewer than 256 bits")


def test_empty_one_is_none() -> None:
    ppks, report = ppks_of(entry("a", b""))
    assert not ppks and not report.complete
    assert list(report.problems) == ["secrets:7: a PPK must not be empty"]


def test_other_kinds_are_none_of_these() -> None:
    assert not ppks_of(SecretEntry((), SecretKind.PSK, Secret(FIRST)))[0]


def entry(selectors: str, secret: bytes) -> SecretEntry:
    return SecretEntry(tuple(selectors.split()), SecretKind.PPK, Secret(secret), file="secrets", line=7)


def ppks_of(*entries: SecretEntry) -> tuple[PpkSecrets, Report]:
    report = Report(lambda group, level, text: None)
    return read(entries, report), report
