"""Kinds of values: what each reads, and what it refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.conf import values
from cygnet.conf.keywords import KEYWORDS

GOOD = [
    (values.seconds, "30", 30),
    (values.seconds, "30s", 30),
    (values.seconds, "1.5m", 90),
    (values.seconds, "1d", 86400),
    (values.percent, "0%", 0),
    (values.whole(-1, 9, mtu=-1), "%mtu", -1),
    (values.whole(-1, 9), "-1", -1),
    (values.log_levels, "ike 2 knl 3,any -1", (("ike", 2), ("knl", 3), ("any", -1))),
    (values.log_levels, "wch 2, ike 2", (("ike", 2),)),
    (values.hosts, "%any6", ("%any6",)),
    (values.hosts, "::", ("%any6",)),
    (values.hosts, "0.0.0.0/0", ("%any",)),
    (
        values.hosts,
        "192.0.2.1-192.0.2.9,2001:db8::/32,gw-1.example",
        ("192.0.2.1-192.0.2.9", "2001:db8::/32", "gw-1.example"),
    ),
    (values.subnets, "%dynamic[udp]", ("%dynamic[udp]",)),
    (values.subnets, "[tcp/80]", ("%dynamic[tcp/80]",)),
    (values.subnets, "10.0.0.1-10.0.0.9", ("10.0.0.1-10.0.0.9",)),
    (values.subnets, "vhost:%no,%priv", ("vhost:%no", "%priv")),
    (values.protocol_port, "tcp", (6, 0, 65535)),
    (values.protocol_port, "17/%any", (17, 0, 65535)),
    (values.protocol_port, "udp/%opaque", (17, 65535, 0)),
    (values.protocol_port, "tcp/http", (6, 80, 80)),
    (values.protocol_port, "%any", (0, 0, 65535)),
    (values.protocol_port, "udp/0", (17, 0, 65535)),
    (values.auth, "secret", "psk"),
    (values.auth, "any", "any"),
    (values.auth, "null", "null"),
    (values.auth, "ike:rsa/pss-2048-sha384", "ike:rsa/pss-2048-sha384"),
    (values.auth, "rsa-4096-ecdsa-384-sha512", "rsa-4096-ecdsa-384-sha512"),
    (values.auth, "eap-tls:ecdsa-sha384", "eap-tls:ecdsa-sha384"),
    (values.authby, "secret|rsasig", "psk|pubkey"),
    (values.authby, "rsasig|never", "never"),
    (values.mark, "10/0xff", "10/0xff"),
    (values.mark, "%unique-dir", "%unique-dir"),
    (values.ike_proposals, "aes128-sha256-modp2048!", "aes128-sha256-modp2048!"),
]
BAD = [
    (values.seconds, "1.5"),
    (values.seconds, "١"),
    (values.percent, "x%"),
    (values.dscp, "0000000"),
    (values.whole(0, 9), "--1"),
    (values.log_levels, "ike"),
    (values.log_levels, "ikes 2"),
    (values.log_levels, "ike 5"),
    (values.hosts, ","),
    (values.hosts, "%group"),
    (values.hosts, "1.2.3"),
    (values.hosts, "a b"),
    (values.hosts, "192.0.2.9-192.0.2.1"),
    (values.subnets, "10.0.0.9-x"),
    (values.subnets, "10.0.0.9-::1"),
    (values.protocol_port, "256"),
    (values.protocol_port, "tcp/2-1"),
    (values.protocol_port, "tcp/x"),
    (values.auth, "rsa-x"),
    (values.authby, "psk|x"),
    (values.mark, "-1"),
    (values.mark, "1/"),
    (values.mark, "%unique/x"),
    (values.esp_proposals, "nosuch"),
]


@pytest.mark.parametrize(("kind", "text", "expected"), GOOD)
def test_good_value_is_read(kind, text, expected):
    assert kind(text) == expected


@pytest.mark.parametrize(("kind", "text"), BAD)
def test_bad_value_is_refused_with_a_reason(kind, text):
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        kind(text)


@given(st.sampled_from(KEYWORDS), st.text(min_size=1, max_size=40))
def test_any_text_is_read_or_refused(keyword, text):
    try:
        keyword.kind(text)
    except ValueError as error:
        assert str(error)
