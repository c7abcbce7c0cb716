"""strongSwan's IKE counters, from the events of IKE_SAs."""

import pytest

from cygnet.base.addresses import Host
from cygnet.base.effects import Counted, MessageSeen
from cygnet.base.identities import Identity
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.jobs.ike_counters import COUNTERS, IkeCounters
from cygnet.charon.sa.events import IkeEstablished
from cygnet.keying.config.records import AuthConfig, IkeConfig, PeerConfig
from cygnet.keying.sa.events import ChildUp

HOST, MOON = Host.of("192.0.2.1", 500), Identity.parse("moon.lab")
PEER = PeerConfig("net", IkeConfig(), (AuthConfig(),), (AuthConfig(),))


def test_names_and_order_are_strongswans() -> None:
    assert list(IkeCounters(lambda number: "").of("")) == [
        "ikeInitRekey", "ikeRspRekey", "ikeChildSaRekey", "ikeInInvalid", "ikeInInvalidSpi",
        "ikeInInitReq", "ikeInInitRsp", "ikeOutInitReq", "ikeOutInitRsp",
        "ikeInAuthReq", "ikeInAuthRsp", "ikeOutAuthReq", "ikeOutAuthRsp",
        "ikeInCrChildReq", "ikeInCrChildRsp", "ikeOutCrChildReq", "ikeOutCrChildRsp",
        "ikeInInfoReq", "ikeInInfoRsp", "ikeOutInfoReq", "ikeOutInfoRsp",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("event", "counter"),
    [
        (MessageSeen("net", Exchange.IKE_SA_INIT, True, False), "ikeInInitReq"),
        (MessageSeen("net", Exchange.IKE_AUTH, False, True), "ikeOutAuthRsp"),
        (MessageSeen("net", Exchange.CREATE_CHILD_SA, False, False), "ikeOutCrChildReq"),
        (MessageSeen("net", Exchange.INFORMATIONAL, True, True), "ikeInInfoRsp"),
        (IkeEstablished(2, PEER, HOST, HOST, MOON, MOON, True, replaces=1), "ikeInitRekey"),
        (IkeEstablished(2, PEER, HOST, HOST, MOON, MOON, False, replaces=1), "ikeRspRekey"),
        (ChildUp(7, None, None, replaces=3), "ikeChildSaRekey"),
        (Counted("malformed", "net"), "ikeInInvalid"),
        (Counted("not_authentic", "net"), "ikeInInvalid"),
    ],
)
def test_event_counts_for_the_daemon_and_its_connection(event: object, counter: str) -> None:
    counters = IkeCounters({7: "net"}.get)
    counters(event)
    expected = {name: int(name == counter) for name in COUNTERS}
    assert counters.of("") == counters.of("net") == expected


@pytest.mark.parametrize(
    "event",
    [
        IkeEstablished(2, PEER, HOST, HOST, MOON, MOON, True),
        ChildUp(7, None, None),
        Counted("out_of_window", "net"),
        MessageSeen("net", 43, True, False),
        object(),
    ],
)
def test_what_has_no_counter_counts_nothing(event: object) -> None:
    counters = IkeCounters(lambda number: "net")
    counters(event)
    assert not any(counters.of("").values())
    assert counters.names() == ()


def test_message_of_no_connection_yet_counts_for_the_daemon_only() -> None:
    counters = IkeCounters(lambda number: "")
    counters(MessageSeen("", Exchange.IKE_SA_INIT, True, False))
    counters.dropped("unknown_spi")
    assert counters.of("")["ikeInInitReq"] == counters.of("")["ikeInInvalidSpi"] == 1
    assert counters.names() == ()


def test_resetting_leaves_the_others() -> None:
    counters = IkeCounters(lambda number: "")
    for name in ("net", "lan", "dmz"):
        counters(MessageSeen(name, Exchange.IKE_SA_INIT, True, False))
    counters.reset("net")
    assert (counters.names(), counters.of("net")) == (("lan", "dmz"), None)
    counters.reset("")
    assert not any(counters.of("").values())
    assert counters.of("lan")["ikeInInitReq"] == 1
    counters.reset(None)
    assert counters.names() == ()


def test_only_so_many_connections_are_counted() -> None:
    counters = IkeCounters(lambda number: "", limit=1)
    for name in ("net", "lan"):
        counters(MessageSeen(name, Exchange.IKE_SA_INIT, True, False))
    assert counters.names() == ("net",)
    assert counters.of("")["ikeInInitReq"] == 2
    assert counters.refused == 1
