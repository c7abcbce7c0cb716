"""ipsec.conf as a whole: grammar, inheritance, includes, records, and every mistake in one run."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


# Values


def test_values_of_a_connection_are_typed(parse):
    config = parse(
        """
conn a
    left=192.0.2.1, gw.example
    leftsubnet=10.1.0.0/16,fd00::/8[tcp/80],%dynamic
    leftprotoport=udp/1701
    right=%any
    rightid="C=CH, O=Lab, CN=B"
    rightprotoport=6/1000-2000
    rightsendcert=no
    ikelifetime=1.5h
    keylife=20m
    margintime=90
    rekeyfuzz=50%
    keyingtries=%forever
    type=passthrough
    ikedscp=101110
    lifebytes=18446744073709551615
    authby=secret
    leftauth=rsa-2048-sha256
    auto=start
"""
    )
    one = conn(config)
    assert config.problems == ()
    assert one.left.hosts == ("192.0.2.1", "gw.example")
    assert one.left.subnets == ("10.1.0.0/16", "fd00::/8[tcp/80]", "%dynamic")
    assert (one.left.protocol, one.left.from_port, one.left.to_port) == (17, 1701, 1701)
    assert (one.right.protocol, one.right.from_port, one.right.to_port) == (6, 1000, 2000)
    assert one.right.id == "C=CH, O=Lab, CN=B"
    assert one.right.send_cert == "never"
    assert (one.ike_lifetime_s, one.lifetime_s, one.margin_s) == (5400, 1200, 90)
    assert (one.rekey_fuzz_percent, one.keying_tries, one.type) == (50, 0, "pass")
    assert (one.ikedscp, one.life_bytes) == (0b101110, 2**64 - 1)
    assert (one.left.auth, one.right.auth) == ("rsa-2048-sha256", "psk")
    assert one.auto == "start"


def test_defaults_are_strongswans(parse):
    one = conn(parse("conn a\n"))
    assert (one.left.hosts, one.left.auth, one.right.auth) == (("%any",), "pubkey", "pubkey")
    assert (one.ike_lifetime_s, one.lifetime_s, one.margin_s) == (10800, 3600, 540)
    assert (one.dpd_delay_s, one.keying_tries, one.auto) == (30, 3, "ignore")


def test_a_percent_before_a_host_name_allows_any_address(parse):
    one = conn(parse("conn a\n right=%gw.example\n"))
    assert (one.right.hosts, one.right.allow_any) == (("gw.example",), True)


@pytest.mark.parametrize(
    "setting",
    [
        "left=300.1.2.3",
        "left=10.0.0.0/33",
        "left=2001:db8::g",
        "leftsubnet=10.0.0.0/16,nonsense",
        "leftsubnet=10.0.0.0/16[tcp",
        "leftprotoport=tcp/99999",
        "leftprotoport=nosuch",
        "leftikeport=70000",
        "leftauth=pubky",
        "leftsendcert=maybe",
        "auto=begin",
        "rekey=true",
        "dpddelay=30 s",
        "lifetime=-1",
        "rekeyfuzz=50",
        "keyingtries=%never",
        "ikedscp=2",
        "reqid=4294967296",
        "authby=password",
        "mark=abc",
        "type=tunel",
    ],
)
def test_bad_value_is_an_error_naming_keyword_value_and_place(parse, setting):
    config = parse(f"conn a\n {setting}\n")
    (problem,) = config.problems
    assert (problem.severity, problem.file, problem.line) == (Severity.ERROR, MAIN, 2)
    assert f"bad value: {setting}" in problem.text
    assert not config.usable


@pytest.mark.parametrize("setting", ["ike=aes129-sha256-modp2048", "esp=aes128gcm61"])
def test_connection_with_a_bad_proposal_is_not_loaded_but_the_others_are(parse, setting):
    config = parse(f"conn a\n {setting}\n auto=add\nconn b\n auto=add\n")
    assert lines(config, Severity.MISTAKE) == [2]
    assert conn(config, "a").unsupported == (setting.split("=")[0],)
    assert conn(config, "b").unsupported == ()
    assert config.usable
    assert not config.correct


def test_ppk_and_what_has_none(parse):
    config = parse("conn a\n ppk_id=ppk.of.a\n ppk_required=yes\nconn b\n keyexchange=ikev1\n also=a\n")
    assert (conn(config, "a").ppk_id, conn(config, "a").ppk_required) == ("ppk.of.a", True)
    assert lines(config, Severity.ERROR) == [3]
    assert "requires a PPK, which IKEv1 has not; set keyexchange=ikev2" in str(config.problems[0])


def test_setup_is_read(parse):
    config = parse('config setup\n charondebug="ike 2, knl -1"\n uniqueids=never\n')
    assert config.setup.charondebug == (("ike", 2), ("knl", -1))
    assert config.setup.uniqueids == "never"


# Grammar


def test_comments_blank_lines_quotes_escapes_and_joined_lines(parse):
    config = parse(
        "# first\nversion 2.0\nconn a # the conn\n\n"
        '\tleftid="O=\\"x\\", \\\nCN=y"   # joined\n'
        "   # indented comment\n"
        " rightid=@#0a0b # after a value that begins with @#\n"
        " leftupdown=one   two\n"
    )
    one = conn(config)
    assert one.left.id == 'O="x", CN=y'
    assert one.right.id == "@#0a0b"
    assert one.left.updown == "one two"
    assert lines(config) == []


def test_lines_may_end_as_on_windows(parse):
    assert conn(parse("conn a\r\n left=192.0.2.1\r\n")).left.hosts == ("192.0.2.1",)


def test_empty_value_resets_an_inherited_one(parse):
    config = parse("conn %default\n lifetime=2h\n leftid=x\nconn a\n lifetime=\n leftid=\n")
    assert (conn(config).lifetime_s, conn(config).left.id) == (3600, None)


def test_keyword_twice_in_a_section_warns_and_the_last_wins(parse):
    config = parse("conn a\n left=192.0.2.1\n left=192.0.2.2\n")
    assert conn(config).left.hosts == ("192.0.2.2",)
    assert [(one.severity, one.line) for one in config.problems] == [(Severity.WARNING, 3)]
    assert "line 2" in config.problems[0].text


def test_section_twice_warns_and_both_count(parse):
    config = parse("conn a\n left=192.0.2.1\nconn a\n right=192.0.2.2\n")
    assert len(config.connections) == 1
    assert conn(config).right.hosts == ("192.0.2.2",)
    assert lines(config, Severity.WARNING) == [3]


@pytest.mark.parametrize(
    "text",
    [
        "con a\n",
        "conn\n",
        "conn a b\n",
        "config\n",
        "config setpu\n",
        " left=192.0.2.1\n",
        "conn a\n left\n",
        "conn a\n left right=3\n",
        'conn a\n leftid="open\n',
        "conn a\nleft=192.0.2.1\n",
        "include\n",
        'include "open\n',
        "include a b\n",
    ],
)
def test_syntax_error_is_reported_once(parse, text):
    config = parse(text)
    assert len(config.problems) == 1
    assert config.problems[0].severity is Severity.ERROR


def test_settings_of_a_section_that_is_not_understood_are_not_reported_too(parse):
    assert lines(parse("con a\n left=1\n right=2\nconn b\n foo=1\n")) == [1, 5]


# include


def test_include_takes_wildcards_and_is_relative_to_its_file(reader_of):
    reader = reader_of(
        {
            MAIN: 'include conf.d/*.conf\ninclude "with space.conf"\ninclude also\\ space.conf\n',
            "/etc/conf.d/b.conf": "conn b\n",
            "/etc/conf.d/a.conf": "include deeper.conf\nconn a\n",
            "/etc/conf.d/deeper.conf": "conn deeper\n",
            "/etc/with space.conf": "conn s\n",
            "/etc/also space.conf": "conn t\n",
        }
    )
    names = [one.name for one in parse_config(MAIN, reader).connections]
    assert names == ["deeper", "a", "b", "s", "t"]


def test_problem_in_an_included_file_names_that_file(parse):
    (problem,) = parse("include other.conf\n", other="conn a\n\n dpddelay=x\n").problems
    assert (problem.file, problem.line) == ("/etc/other.conf", 3)


def test_file_that_includes_itself_is_an_error(parse):
    config = parse("include other.conf\n", other="include ipsec.conf\n")
    assert [(one.file, one.line) for one in config.problems] == [("/etc/other.conf", 1)]


def test_missing_include_is_a_warning_and_missing_file_an_error(parse, reader_of):
    assert lines(parse("include nosuch.conf\n"), Severity.WARNING) == [1]
    config = parse_config(MAIN, reader_of({}))
    assert not config.usable
    assert MAIN in str(config.problems[0])


# All together


def test_every_mistake_is_reported_in_one_run_in_order(parse):
    config = parse(
        """config setup
    uniqueid=yes
conn a
    also=nosuch
    leftsubnt=10.0.0.0/8
    dpddelay=soon
    left=1.2.3.4.5
conn b
    leftauth=psks
foo bar
"""
    )
    assert lines(config) == [2, 4, 5, 6, 7, 9, 10]


def test_both_esp_and_ah_is_an_error(parse):
    assert lines(parse("conn a\n esp=aes128gcm16\n ah=sha256\n"), Severity.ERROR) == [3]


def test_firewall_with_updown_is_an_error(parse):
    config = parse("conn a\n leftfirewall=yes\n leftupdown=x\n")
    assert lines(config, Severity.ERROR) == [2]


def test_mark_is_for_both_directions_unless_one_has_its_own(parse):
    one = conn(parse("conn a\n mark_in=2\n mark=1/0xff\n"))
    assert (one.mark_in, one.mark_out) == ("2", "1/0xff")


@pytest.mark.parametrize("value", ["no", "auto", "xfrm", "vti:tun0", "auto:office"])
def test_interface_is_a_kind_and_perhaps_a_name(parse, value):
    assert conn(parse(f"conn a\n interface={value}\n")).interface == value


@pytest.mark.parametrize("line", [
    "interface=tun0", "interface=auto:", "interface=no:x", "interface=vti:a/b", f"interface=vti:{'x' * 16}",
    "set_mark_in=%unique", "hw_offload=maybe", "if_id_in=-1",
])  # fmt: skip
def test_bindings_that_cannot_be_are_errors(parse, line):
    assert lines(parse(f"conn a\n {line}\n"), Severity.ERROR) == [2]


def test_bindings_are_read(parse):
    one = conn(parse("conn a\n if_id_in=16\n if_id_out=17\n set_mark_out=5/0xff\n hw_offload=yes\n"))
    assert (one.if_id_in, one.if_id_out, one.set_mark_out, one.hw_offload) == (16, 17, "5/0xff", "crypto")


def test_errors_are_kept_before_warnings(parse):
    many = "".join(f"conn w{i}\n xauth=server\n" for i in range(1100))
    config = parse(many + "conn a\n dpddelay=x\n")
    assert len(config.problems) <= 1001
    assert not config.usable


def test_file_that_cannot_be_read_is_an_error(parse, reader_of):
    reader = reader_of({})
    reader.read = lambda path: (_ for _ in ()).throw(PermissionError(13, "Permission denied", path))
    assert "Permission denied" in parse_config(MAIN, reader).problems[0].text


def test_equal_sections_elsewhere_in_the_file_are_equal(parse):
    before = conn(parse("conn a\n left=192.0.2.1\n"))
    after = conn(parse("# moved\n\nconn a\n\n left=192.0.2.1\n"))
    assert before == after
    assert before.origins["left"].line == 2
    assert after.origins["left"].line == 5


def test_problems_are_limited(parse):
    config = parse("conn a\n" + "".join(f" x{i}=1\n" for i in range(5000)))
    assert len(config.problems) <= 1002
    assert not config.correct


def test_ten_thousand_connections_parse_in_bounded_time(parse):
    text = "".join(
        f"conn c{i}\n left=192.0.2.1\n leftid=@gw{i}.example\n leftcert=gw{i}.pem\n"
        f" leftsubnet=10.{i >> 8}.{i & 255}.0/24\n"
        f' right=198.51.{i >> 8}.{i & 255}\n rightid="C=CH, O=Lab, CN=peer{i}"\n rightsubnet=172.16.0.0/12\n'
        " auto=add\n ike=aes128gcm16-prfsha256-ecp256!\n esp=aes128gcm16!\n"
        for i in range(10_000)
    )
    before = time.process_time()
    config = parse(text)
    assert len(config.connections) == 10_000
    assert config.problems == ()
    assert time.process_time() - before < 10


LINE = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["conn a", "conn %default", "conn b", "ca x", "config setup", "include other.conf", "include *"]
    ),
    st.builds(
        "{}{}={}".format,
        st.sampled_from([" ", "\t", ""]),
        st.sampled_from(
            ["also", "left", "leftsubnet", "auto", "mark", "charondebug", "cacert", "ike", "leftprotoport"]
        ),
        st.one_of(
            st.text(max_size=20), st.sampled_from(["a", "b", "%default", "10.0.0.0/8", '"x', '"x\\', "@#ff"])
        ),
    ),
)


@given(st.lists(LINE, max_size=20).map("\n".join), st.lists(LINE, max_size=5).map("\n".join))
def test_any_text_gives_problems_and_never_an_exception(reader_of, text, other):
    config = parse_config(MAIN, reader_of({MAIN: text, "/etc/other.conf": other}))
    for problem in config.problems:
        assert problem.file
        assert str(problem)
