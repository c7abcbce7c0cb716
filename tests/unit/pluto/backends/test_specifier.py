"""What operators call connections and SAs."""

import pytest

from cygnet.pluto.backends.specifier import Specifier, SpecifierError, SuiteSpecifier, parse, parse_suite


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("net", Specifier("net")),
        ('"net"', Specifier("net")),
        ("rw[3]", Specifier("rw", 3)),
        ('"rw"[3]', Specifier("rw", 3)),
        ("rw[*]", Specifier("rw", every=True)),
        ("#12", Specifier(state=12)),
    ],
)
def test_forms_of_whack(text: str, expected: Specifier) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize("text", ["", "#", "#0", "#x", "[1]", "rw[", "rw[x]", "rw{1}", "rw[1]x"])
def test_what_is_of_no_form_is_refused(text: str) -> None:
    with pytest.raises(SpecifierError, match=r"is not NAME, NAME\[n\]"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [("rw", [(1, 0), (2, 1), (3, 2)]), ("rw[1]", [(2, 1)]), ("rw[*]", [(2, 1), (3, 2)]), ("#3", [(3, 2)])],
)
def test_meaning_of_whacks_forms(text: str, meant: list[tuple[int, int]]) -> None:
    sas = [(1, 0), (2, 1), (3, 2)]
    assert [sa for sa in sas if parse(text).means(sa[0], "rw", sa[1])] == meant
    assert not parse("other").means(1, "rw", 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("net", SuiteSpecifier("net", plain=True)),
        ("net[2]", SuiteSpecifier("net", number=2)),
        ("net[*]", SuiteSpecifier("net", every=True)),
        ("net{2}", SuiteSpecifier("net", True, 2)),
        ("net{*}", SuiteSpecifier("net", True, every=True)),
        ("[2]", SuiteSpecifier("", number=2)),
        ("{*}", SuiteSpecifier("", True, every=True)),
    ],
)
def test_forms_of_the_suite(text: str, expected: SuiteSpecifier) -> None:
    assert parse_suite(text) == expected


@pytest.mark.parametrize("text", ["", "[", "net[", "net[2}", "[]", "net[x]"])
def test_what_is_of_none_of_the_suites_forms_is_refused(text: str) -> None:
    with pytest.raises(SpecifierError):
        parse_suite(text)
