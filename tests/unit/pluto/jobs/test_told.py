"""What ISAKMP SAs tell, in the words of listeners that both daemons have."""

from ipaddress import ip_address
from typing import Any

from cygnet.charon.sa import events as shared
from cygnet.charon.sa.events import Servers
from cygnet.keying.config.records import AuthConfig, ChildConfig, IkeConfig
from cygnet.pluto.config.records import PeerConfig
from cygnet.pluto.encoding.attributes import Attribute
from cygnet.pluto.jobs.told import translated
from cygnet.pluto.sa.events import ChildDown, ChildUp, Configured, Counted, Unconfigured

CONFIG = PeerConfig("net", IkeConfig(), AuthConfig(), AuthConfig())
ADDRESS, SERVER = ip_address("10.3.0.1"), ip_address("10.2.0.53")


def test_children_come_and_go() -> None:
    child: Any = "picture"
    config = ChildConfig("net", (), ())
    assert translated(ChildUp(1, config, child, 7)) == (shared.ChildUp(1, config, child, 7),)
    assert translated(ChildDown(1, config, child, True)) == (shared.ChildDown(1, config, child, True),)


def test_name_servers_come_and_go_with_their_domains() -> None:
    attributes = (
        Attribute(3, SERVER.packed), Attribute(3, b"odd"), Attribute(28675, b"lab,$(reboot) corp.test"),
    )  # fmt: skip
    servers = Servers((SERVER,), ("lab", "corp.test"), (ADDRESS,))
    given = Configured(1, CONFIG, (ADDRESS,), attributes)
    assert translated(given) == (shared.ServersGiven(servers),)
    assert translated(Unconfigured(1, CONFIG, (ADDRESS,), attributes)) == (shared.ServersTaken(servers),)


def test_others_have_no_other_words() -> None:
    assert translated(Configured(1, CONFIG, (ADDRESS,), ())) == ()
    assert translated(Counted("x")) == ()
