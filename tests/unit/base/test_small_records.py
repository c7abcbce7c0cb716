"""Secrets, hosts, errors."""

from ipaddress import ip_address

from cygnet.base.addresses import Host
from cygnet.base.errors import Ends, LocalError, MalformedError, PeerError
from cygnet.base.secret import Secret


def test_secret_shows_its_length_only():
    secret = Secret(b"swordfish")
    assert repr(secret) == str(secret) == "Secret(<9 octets>)"
    assert secret.reveal() == b"swordfish"
    assert len(secret) == 9


def test_secrets_compare_by_value_with_secrets_only():
    assert Secret(b"a") == Secret(b"a")
    assert Secret(b"a") != Secret(b"b")
    assert Secret(b"a") != b"a"
    assert len({Secret(b"a"), Secret(b"a")}) == 1


def test_host_prints_as_in_a_log():
    assert Host.of("192.0.2.1", 500).with_brackets() == "192.0.2.1[500]"
    assert str(Host.of("0.0.0.0")) == "%any"
    assert str(Host.of("::")) == "%any6"
    assert Host.of("::1", 5).with_port(6) == Host(ip_address("::1"), 6)
    assert Host.of("::1").family == 6


def test_errors_carry_what_the_peer_is_told():
    assert (MalformedError.notify, MalformedError.ends) == (7, Ends.SA)
    assert PeerError("x").data() == b""
    assert LocalError.notify is None
