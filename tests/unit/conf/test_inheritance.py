"""also: order, loops, limits."""

import pytest

from cygnet.conf.ipsec_conf import parse_config
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


def test_also_is_linearised_nearest_first_and_default_is_last(parse):
    config = parse(
        """
conn a
    also=b
    also=c
    leftid=a
conn b
    also=base
    lifetime=2h
conn c
    also=base
    lifetime=3h
    margintime=1m
conn base
    margintime=2m
    rekeyfuzz=10%
conn %default
    rekeyfuzz=20%
    ikelifetime=9h
    leftid=d
"""
    )
    one = conn(config)
    assert (one.left.id, one.lifetime_s, one.margin_s) == ("a", 7200, 60)
    assert (one.rekey_fuzz_percent, one.ike_lifetime_s) == (10, 32400)


def test_unknown_also_is_an_error_in_its_line_with_the_nearest_name(parse):
    config = parse("conn net-net\n auto=add\nconn a\n also=net-nte\n")
    (problem,) = config.problems
    assert (problem.severity, problem.line) == (Severity.ERROR, 4)
    assert "section 'net-nte' referenced in section 'a' not found" in problem.text
    assert "'net-net'" in problem.text


def test_loop_of_also_is_reported_once(parse):
    config = parse("conn a\n also=b\nconn b\n also=c\nconn c\n also=a\n")
    (problem,) = config.problems
    assert problem.severity is Severity.ERROR
    assert "a -> b -> c -> a" in problem.text


def test_contradictory_also_is_a_warning(parse):
    config = parse(
        "conn x\n also=a\n also=b\nconn y\n also=b\n also=a\nconn z\n also=x\n also=y\nconn a\nconn b\n"
    )
    assert lines(config, Severity.WARNING) == [7]


def test_also_in_default_is_refused(parse):
    assert lines(parse("conn %default\n also=b\nconn b\n"), Severity.ERROR) == [2]


def test_chain_of_also_as_long_as_the_file_ends_in_errors_not_in_recursion(parse):
    text = "".join(f"conn c{i}\n also=c{i + 1}\n" for i in range(3000)) + "conn c3000\n"
    assert any("more than 100" in one.text for one in parse(text).problems)
