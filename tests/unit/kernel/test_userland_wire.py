"""Messages on espd's control socket."""

from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.base.addresses import Host
from cygnet.base.dscp import DscpCopy
from cygnet.base.secret import Secret
from cygnet.base.selectors import TrafficSelector
from cygnet.kernel.backends import userland_wire as wire
from cygnet.kernel.port import (
    Acquire,
    Algorithm,
    Compression,
    Direction,
    DropCount,
    Encapsulation,
    Expire,
    Features,
    IpProtocol,
    Lifetime,
    MappingChange,
    Mark,
    Mode,
    PolicySpec,
    SaId,
    SaSpec,
    Usage,
)

ID = SaId(ip_address("192.0.2.1"), ip_address("2001:db8::1"), IpProtocol.ESP, 0xC0000001)
TS = TrafficSelector.of("10.0.0.0/8", 6, (80, 80))
SPEC = SaSpec(
    ID, 1, Mode.TRANSPORT, True, Algorithm(20, 128, Secret(b"key")), Algorithm(12, 0, Secret(b"k"), 96),
    Lifetime(soft_s=1.5), Encapsulation(4500, 7), 64, True, -1, Mark(3), DscpCopy.IN, Compression(2, 300),
    (ID.source, ID.destination), (TS,), (TS, TS),
)  # fmt: skip
POLICY = PolicySpec(
    Direction.FORWARD, TS, TS, Mode.PASS, 3, None, ID.source, trap=True, mark=Mark(1), compression=True
)
MESSAGES = [
    wire.Hello("charon", True), wire.Bye(False), wire.Follow("charon"), wire.HandOver(("esp4", "esp6")),
    wire.HandOver(("esp4",), yields=True),
    wire.Inspect(5), wire.Install((SPEC,), (POLICY,)), wire.Remove((POLICY,), (ID, ID)),
    wire.AllocateSpi(ID.source, ID.destination, IpProtocol.ESP), wire.AddSa(SPEC),
    wire.UpdateSa(ID, ID, None),
    wire.UpdateSa(ID, ID, Encapsulation(1, 2)), wire.DeleteSa(ID), wire.QuerySa(ID), wire.AddPolicy(POLICY),
    wire.DeletePolicy(POLICY), wire.AcquireFailed(9), wire.Done(), wire.Failed("because"), wire.Spis((7, 8)),
    Usage(1, 2, None), Usage(1, 2, 0.5),
    wire.Greeting("x", Features("userland", frozenset({1, 2}), frozenset(), frozenset({Mode.TUNNEL}),
                                frozenset({IpProtocol.ESP}), frozenset({2}), tfc=False)),
    wire.Inventory(
        1, 2, 3, 4, 1400, (
            wire.SaStatus(ID, "c", True, 1, Mode.TUNNEL, None, None, Usage(1, 2, 3, (DropCount("b", 2),))),
            wire.SaStatus(ID, "c", True, 1, Mode.BEET, Encapsulation(1, 2), Mark(3), Usage()),
        ), ("in a === b",), ("10.0.0.0/8",), (DropCount("a", 1),),
    ),
    Acquire(1, TS, TS), Expire(ID, True), MappingChange(ID, Host.of("::1", 5)),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_every_message_comes_back(message):
    assert wire.decode(wire.encode(7, message)) == (7, message)


@given(st.binary(max_size=60))
def test_any_octets_are_refused(data):
    with pytest.raises(wire.WireError):
        wire.decode(data)


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), st.lists)


@given(st.sampled_from(["Hello", "AddSa", "Usage", "AddPolicy", "HandOver", "Nothing"]), JSON)
def test_fields_of_other_kinds_are_refused_or_read(name, value):
    import json

    try:
        wire.decode(json.dumps([1, name, value]).encode())
    except wire.WireError:
        return


def test_selector_that_was_read_before_is_checked_as_the_first():
    good = wire.encode(1, wire.AddPolicy(replace(POLICY, source=TrafficSelector.of("10.0.0.0/8"))))
    assert wire.decode(good) == wire.decode(good)
    for bad in (b"false", b"0.0", b"null"):
        with pytest.raises(wire.WireError):
            wire.decode(good.replace(b",0,0,65535,false]", b"," + bad + b",0,65535,false]"))


def test_too_large_message_is_refused():
    with pytest.raises(wire.WireError, match="larger"):
        wire.encode(1, wire.Failed("x" * wire.MAX_MESSAGE))
