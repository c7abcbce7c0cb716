"""ipsec.secrets: entries, coding of secrets, includes, mistakes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.conf.secrets import SecretKind, parse_secrets

PATH = "/etc/ipsec.secrets"


@pytest.fixture
def parse(reader_of):
    def parse(text: str, **others: str):
        files = {f"/etc/{name}.secrets": content for name, content in others.items()}
        return parse_secrets(PATH, reader_of({PATH: text} | files))

    return parse


@pytest.mark.parametrize(
    ("value", "octets"),
    [
        ('"a b # c"', b"a b # c"),
        ("'a b'", b"a b"),
        ("plain", b"plain"),
        ("0x0a0B", b"\x0a\x0b"),
        ("0sAAEC", b"\x00\x01\x02"),
        ("0sAAE=", b"\x00\x01"),
        ('"0x0a"', b"0x0a"),
    ],
)
def test_shared_secret_is_read_in_every_coding(parse, value, octets):
    entries, problems = parse(f"@a @b : PSK {value} # comment\n")
    assert problems == ()
    assert entries[0].selectors == ("@a", "@b")
    assert entries[0].kind is SecretKind.PSK
    assert entries[0].secret.reveal() == octets


def test_selectors_of_every_kind(parse):
    entries, problems = parse('192.0.2.1 fe80::1 %any "C=CH, CN=x" user@dom : PSK "x"\n: PSK "everybody"\n')
    assert problems == ()
    assert entries[0].selectors == ("192.0.2.1", "fe80::1", "%any", "C=CH, CN=x", "user@dom")
    assert entries[1].selectors == ()


def test_comment_begins_between_words_only(parse):
    entries, problems = parse('@#6d6f6f6e @#73756e : PSK ab#c # comment\n# @x : PSK "y"\n')
    assert problems == ()
    assert [entry.selectors for entry in entries] == [("@#6d6f6f6e", "@#73756e")]
    assert entries[0].secret.reveal() == b"ab#c"


def test_key_files_with_and_without_passphrase(parse):
    entries, problems = parse(
        ': RSA a.pem\n: ECDSA b.pem "pass phrase"\n: PKCS8 c.pem %prompt\n: P12 d.p12 pw\n'
    )
    assert problems == ()
    assert [entry.path for entry in entries] == ["a.pem", "b.pem", "c.pem", "d.p12"]
    assert [entry.prompt for entry in entries] == [False, False, True, False]
    assert entries[0].passphrase is None
    assert entries[1].passphrase.reveal() == b"pass phrase"


def test_indented_line_continues_an_entry_or_begins_its_own(parse):
    entries, problems = parse('@long\n  @second :\n  PSK\n  "value"\n  @own : PSK "other"\n')
    assert problems == ()
    assert [(entry.selectors, entry.secret.reveal()) for entry in entries] == [
        (("@long", "@second"), b"value"),
        (("@own",), b"other"),
    ]
    assert [entry.line for entry in entries] == [1, 5]


def test_include_reads_matching_files(parse):
    entries, problems = parse("include *.secrets\n", b=': PSK "b"\n')
    assert [entry.file for entry in entries] == ["/etc/b.secrets"]
    assert len(problems) == 1  # the file itself matches too


@pytest.mark.parametrize(
    "line",
    [
        '@a @b PSK "geheim"',
        '@a: PSK "geheim"',
        ": PKS geheim",
        ': PSK "geheim',
        ": PSK 0xgeheim",
        ": PSK 0s!geheim",
        ": PSK one geheim",
        ": PSK",
        ":",
        ": RSA",
        ": RSA geheim b c",
        ": RSA {\n  Modulus: 0xgeheim\n  }",
    ],
)
def test_mistake_is_reported_with_its_line_and_without_the_secret(parse, line):
    entries, problems = parse(f'# first\n{line}\n: PSK "good"\n')
    assert [entry.secret.reveal() for entry in entries] == [b"good"]
    (problem,) = problems
    assert (problem.file, problem.line) == (PATH, 2)
    assert "geheim" not in str(problem)


def test_secret_never_shows_in_a_record(parse):
    entries, _ = parse(': PSK "geheim"\n: RSA k.pem "geheim"\n')
    assert "geheim" not in repr(entries)


def test_include_that_names_two_files_or_none_there_is_a_mistake(parse):
    _, problems = parse("include a b\ninclude nosuch.secrets\n: RSA { x\n")
    assert [problem.line for problem in problems] == [1, 2, 3]


def test_missing_file_is_a_problem(reader_of):
    entries, problems = parse_secrets(PATH, reader_of({}))
    assert entries == ()
    assert PATH in str(problems[0])


@given(st.text(alphabet=st.one_of(st.sampled_from(": \"'\n\t#%{}0xs"), st.characters()), max_size=200))
def test_any_text_gives_problems_and_never_an_exception(reader_of, text):
    parse_secrets(PATH, reader_of({PATH: text}))


@given(st.text(alphabet=st.sampled_from("aPSK:\"' \n\t#"), max_size=60))
def test_any_text_of_the_grammars_characters_never_raises(reader_of, text):
    parse_secrets(PATH, reader_of({PATH: "a : PSK " + text}))
