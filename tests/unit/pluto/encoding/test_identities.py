"""cygnet.pluto.encoding.identities"""

import pytest

from cygnet.base.errors import MalformedError
from cygnet.base.identities import Identity
from cygnet.base.selectors import TrafficSelector
from cygnet.pluto.encoding.identities import (
    identity_of,
    payload_of_identity,
    payload_of_selector,
    selector_of,
)
from cygnet.pluto.encoding.payloads import Identification


@pytest.mark.parametrize("text", ["192.0.2.1", "2001:db8::1", "east.test", "user@east.test", "C=CH, CN=east"])
def test_identity_survives(text):
    identity = Identity.parse(text)
    assert identity_of(payload_of_identity(identity)) == identity


@pytest.mark.parametrize(("protocol", "port"), [(0, 0), (17, 500), (17, 0)])
def test_identity_may_name_the_ports_of_ike(protocol, port):
    assert str(identity_of(Identification(2, protocol, port, b"east.test"))) == "east.test"


@pytest.mark.parametrize(
    "payload",
    [
        Identification(2, 6, 0, b"east.test"),
        Identification(2, 17, 4500, b"east.test"),
        Identification(4, 0, 0, bytes(8)),
        Identification(99, 0, 0, b""),
    ],
)
def test_what_is_no_identity_is_refused(payload):
    with pytest.raises(MalformedError):
        identity_of(payload)


@pytest.mark.parametrize(
    ("selector", "kind"),
    [
        (TrafficSelector.of("10.1.0.0/16"), 4),
        (TrafficSelector.of("0.0.0.0/0"), 4),
        (TrafficSelector.of("10.1.0.7"), 1),
        (TrafficSelector.of("10.1.0.7-10.1.0.9"), 7),
        (TrafficSelector.of("2001:db8::/32", 17, (53, 53)), 6),
        (TrafficSelector.of("2001:db8::7", 6), 5),
        (TrafficSelector.of("2001:db8::7-2001:db8::9"), 8),
    ],
)
def test_selector_survives(selector, kind):
    payload = payload_of_selector(selector)
    assert payload.id_type == kind
    assert selector_of(Identification.parse(payload.build())) == selector


@pytest.mark.parametrize("ports", [(1, 1024), (0, 0), (65535, 0)])
def test_selector_that_ikev1_cannot_say_is_an_error_of_ours(ports):
    with pytest.raises(ValueError, match="one port above 0, or all"):
        payload_of_selector(TrafficSelector.of("10.1.0.0/16", 6, ports))


@pytest.mark.parametrize(
    "payload",
    [
        Identification(2, 0, 0, b"east.test"),
        Identification(4, 0, 0, bytes.fromhex("0a000000ff00ff00")),  # a mask with a hole
        Identification(7, 0, 0, bytes.fromhex("0a0000090a000001")),  # a range backwards
    ],
)
def test_what_is_no_selector_is_refused(payload):
    with pytest.raises(MalformedError):
        selector_of(payload)


def test_host_bits_of_a_subnet_are_not_looked_at():
    payload = Identification(4, 0, 0, bytes.fromhex("0a010203ffff0000"))
    assert selector_of(payload) == TrafficSelector.of("10.1.0.0/16")
