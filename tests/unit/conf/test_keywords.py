"""Which keywords there are, and what is said about those without effect."""

import pytest

from cygnet.conf.ipsec_conf import parse_config
from cygnet.conf.keywords import KEYWORDS, SLOTS
from cygnet.conf.problems import Severity
from cygnet.conf.records import Config

MAIN = "/etc/ipsec.conf"


@pytest.fixture
def parse(reader_of):
    def parse(text: str, **others: str) -> Config:
        files = {f"/etc/{name}.conf": content for name, content in others.items()}
        return parse_config(MAIN, reader_of({MAIN: text} | files))

    return parse


def conn(config: Config, name: str = "a"):
    return next(one for one in config.connections if one.name == name)


def lines(config: Config, severity: Severity | None = None) -> list[int]:
    return [one.line for one in config.problems if severity in (None, one.severity)]


def test_unknown_keyword_names_the_nearest_one(parse):
    config = parse("conn a\n leftsubnt=10.0.0.0/8\n")
    (problem,) = config.problems
    assert problem.severity is Severity.MISTAKE
    assert "leftsubnt" in problem.text
    assert "'leftsubnet'" in problem.text
    assert config.usable
    assert not config.correct


def test_keyword_of_another_section_is_said_to_belong_there(parse):
    assert "config" in parse("conn a\n strictcrlpolicy=no\n").problems[0].text


def test_keyword_that_is_not_implemented_is_named_in_a_warning_where_it_stands(parse):
    config = parse("conn %default\n me_peerid=@alice\nconn a\nconn b\n")
    (problem,) = config.problems
    assert (problem.severity, problem.line) == (Severity.WARNING, 2)
    assert "me_peerid" in problem.text
    assert config.correct


def test_value_that_asks_for_nothing_missing_is_not_warned_about(parse):
    assert parse("conn a\n mobike=no\n compress=no\n reauth=no\n type=tunnel\n").problems == ()


@pytest.mark.parametrize(
    "setting", ["rightsigkey=%dnsondemand", "type=transport_proxy", "leftauth=xauth"]
)
def test_connection_that_would_be_less_strict_without_a_keyword_is_not_loaded(parse, setting):
    config = parse(f"conn a\n {setting}\n auto=add\n")
    assert conn(config).unsupported == (setting.split("=")[0],)
    assert lines(config) == [1, 2]
    assert config.correct


def test_dead_keyword_is_only_a_warning(parse):
    config = parse("config setup\n nocrsend=no\n nat_traversal=yes\n")
    assert lines(config, Severity.WARNING) == [2, 3]
    assert config.correct


def test_file_of_2006_loads(parse):
    """The keywords of strongSwan 4.0.0, the first release with both daemons."""
    config = parse(
        """version 2.0
config setup
    plutodebug=all
    interfaces="ipsec0=eth0"
    charonstart=yes
    strictcrlpolicy=no
    cachecrls=no
    virtual_private=%v4:10.0.0.0/8,%v4:!10.1.0.0/16
    uniqueids=yes
conn %default
    keylife=20m
    rekeymargin=3m
    keyingtries=1
    pfs=yes
    compress=no
    rekeyfuzz=100%
    leftnexthop=%direct
    leftrsasigkey=%cert
    rightrsasigkey=%cert
    leftfirewall=no
    dpdaction=hold
    dpdtimeout=120
    keyexchange=ikev2
conn net
    left=%defaultroute
    leftsubnetwithin=10.1.0.0/16
    leftcert=moonCert.pem
    right=%any
    auto=add
ca strong
    cacert=strongswanCert.pem
    crluri=http://crl.example/strong.crl
    ldaphost=ldap.example
    auto=add
"""
    )
    assert config.correct
    assert conn(config, "net").unsupported == ()
    assert config.authorities[0].crluri == "http://crl.example/strong.crl"


def test_every_keyword_has_a_default_that_its_kind_accepts():
    for keyword in KEYWORDS:
        if keyword.default:
            keyword.kind(keyword.default)


def test_keyword_names_are_unique_in_their_section():
    for section, slots in SLOTS.items():
        written = [
            side + name
            for keyword in KEYWORDS
            if keyword.section is section
            for side in (("left", "right") if keyword.end else ("",))
            for name in (keyword.name, *keyword.aliases)
        ]
        assert len(written) == len(set(written)) == len(slots)


@pytest.mark.parametrize("section", ["conn a", "ca a", "config setup"])
def test_every_keyword_finds_its_field(parse, section):
    for name, slot in SLOTS[next(kind for kind in SLOTS if section.startswith(kind))].items():
        value = slot.keyword.default or next(
            (
                text
                for text in ("x", "1", "ike 2", "10.0.0.0/8", "pubkey", "no")
                if _accepts(slot.keyword.kind, text)
            ),
            "",
        )
        config = parse(f"{section}\n {name}={value}\n")
        assert all(one.severity is not Severity.MISTAKE for one in config.problems), name


def _accepts(kind, value: str) -> bool:
    try:
        kind(value)
    except ValueError:
        return False
    return True
