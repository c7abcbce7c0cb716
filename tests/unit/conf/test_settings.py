"""strongswan.conf: grammar, includes, inheritance, typed look-ups."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.conf.problems import Severity
from cygnet.conf.settings import Settings, parse_settings

PATH = "/etc/strongswan.conf"


@pytest.fixture
def parse(reader_of):
    def parse(text: str, **others: str) -> Settings:
        files = {f"/etc/{name}.conf": content for name, content in others.items()}
        return parse_settings(PATH, reader_of({PATH: text} | files))

    return parse


def test_sections_and_values_are_reached_by_dotted_path(parse):
    settings = parse("charon {\n  threads = 8 # eight\n  plugins { stroke { timeout = 5m } }\n}\n")
    assert settings.get_int("charon.threads", 16) == 8
    assert settings.get_time("charon.plugins.stroke.timeout", 0) == 300
    assert settings.sections("charon") == ("plugins",)
    assert settings.problems == ()


def test_what_is_not_set_has_the_default(parse):
    settings = parse("charon { }")
    assert settings.get("charon.x", "d") == "d"
    assert settings.get_int("a.b.c", 3) == 3
    assert not settings.has("charon.x")
    assert settings.section("nosuch").items() == ()


def test_a_section_on_one_line_and_a_brace_on_the_next(parse):
    settings = parse("a { b = 1 }\nc\n{\n d = two words\n}\n")
    assert settings.get_int("a.b", 0) == 1
    assert settings.get("c.d") == "two words"


def test_quotes_keep_what_would_end_a_value(parse):
    settings = parse('a {\n b = "x # } \\"y\\"\\n" tail\n}\n')
    assert settings.get("a.b") == 'x # } "y"\n tail'


def test_later_values_win_and_sections_add_up(parse):
    settings = parse("a { b = 1\n c = 2 }\na { b = 3 }\na { c = \n }\n")
    assert settings.items("a") == (("b", "3"),)


def test_names_with_dots_are_reached_by_section(parse):
    settings = parse("charon { filelog { /var/log/charon.log { default = 2 } } }")
    (name,) = settings.sections("charon.filelog")
    assert settings.section("charon", "filelog", name).get_int("default", 0) == 2


def test_section_inherits_by_reference(parse):
    settings = parse("base { x = 1\n sub { y = 2 } }\nother { z = 4 }\ntop : base, other { x = 3 }\n")
    assert [settings.get_int(f"top.{path}", 0) for path in ("x", "sub.y", "z")] == [3, 2, 4]
    assert settings.sections("top") == ("sub",)


def test_reference_loop_ends(parse):
    assert parse("a : b { }\nb : a { x = 1 }\n").get_int("a.x", 0) == 1


def test_sections_that_all_inherit_from_each_other_end(parse):
    names = [f"s{i}" for i in range(30)]
    text = "".join(f"{name} : {', '.join(names)} {{ {name} = 1 }}\n" for name in names)
    assert parse(text).get_int("s0.s0", 0) == 1


def test_include_reads_into_the_open_section(parse):
    settings = parse("charon {\n include part*.conf\n}\n", part1="threads = 4\n", part2="x { y = 1 }\n")
    assert settings.get_int("charon.threads", 0) == 4
    assert settings.get_int("charon.x.y", 0) == 1


@pytest.mark.parametrize(
    ("text", "expected"), [("yes", True), ("Enabled", True), ("1", True), ("no", False), ("FALSE", False)]
)
def test_booleans(parse, text, expected):
    assert parse(f"a = {text}\n").get_bool("a", not expected) is expected


@pytest.mark.parametrize(
    ("text", "expected"), [("30", 30), ("1.5s", 1.5), ("2 m", 120), ("3h", 10800), ("1d", 86400)]
)
def test_times(parse, text, expected):
    assert parse(f"a = {text}\n").get_time("a", 0) == expected


def test_unreadable_value_counts_as_not_set_and_is_noted(parse):
    settings = parse("\na = x\n")
    assert settings.get_int("a", 5) == 5
    assert settings.get_bool("a", True) is True
    assert settings.get_time("a", 2.0) == 2.0
    assert settings.get_float("a", 1.0) == 1.0
    assert {(one.severity, one.line) for one in settings.problems} == {(Severity.WARNING, 2)}


@pytest.mark.parametrize(
    "text", ["a {", "}", "a", '"x" = 1', 'a = "x', "a : b\nc = 1", "include strongswan.conf", "= 3"]
)
def test_syntax_error_is_reported_with_its_place(parse, text):
    settings = parse("\n" + text)
    assert any(one.severity is Severity.ERROR and one.line == 2 for one in settings.problems)


def test_file_that_cannot_be_read_is_an_error_and_an_include_a_warning(reader_of):
    reader = reader_of({PATH: "include other.conf"})
    assert [one.severity for one in parse_settings(PATH, reader).problems] == [Severity.WARNING]
    reader.read = lambda path: (_ for _ in ()).throw(PermissionError(13, "Permission denied", path))
    assert [one.severity for one in parse_settings(PATH, reader).problems] == [Severity.ERROR]


def test_deep_nesting_ends_in_an_error(parse):
    assert parse("a { " * 200).problems


@pytest.mark.parametrize("text", ["nan", "inf", "x"])
def test_number_that_is_none_counts_as_not_set(parse, text):
    assert parse(f"a = {text}\n").get_float("a", 1.0) == 1.0


def test_missing_file_is_empty(reader_of):
    assert parse_settings(PATH, reader_of({})).problems == ()


@given(st.text(alphabet=st.one_of(st.sampled_from('{}=:,"\\#\n .ab'), st.characters()), max_size=200))
def test_any_text_gives_problems_and_never_an_exception(reader_of, text):
    settings = parse_settings(PATH, reader_of({PATH: text}))
    for name in settings.sections():
        settings.section(name).items()
    settings.get_time("a.b", 0)
