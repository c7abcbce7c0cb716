"""What ISAKMP SAs tell, in the words of listeners that both daemons have."""

from ipaddress import ip_address

from cygnet.keying.config.records import AuthConfig, IkeConfig
from cygnet.keying.sa.events import Servers, ServersGiven, ServersTaken
from cygnet.pluto.config.records import PeerConfig
from cygnet.pluto.encoding.attributes import Attribute
from cygnet.pluto.jobs.told import MAX_SERVERS, dns_of, translated
from cygnet.pluto.sa.events import Configured, Counted, Unconfigured

CONFIG = PeerConfig("net", IkeConfig(), AuthConfig(), AuthConfig())
ADDRESS, SERVER = ip_address("10.3.0.1"), ip_address("10.2.0.53")


def test_name_servers_come_and_go_with_their_domains() -> None:
    attributes = (
        Attribute(3, SERVER.packed), Attribute(3, b"odd"), Attribute(28675, b"lab,$(reboot) corp.test"),
    )  # fmt: skip
    servers = Servers((SERVER,), ("lab", "corp.test"), (ADDRESS,))
    given = Configured(1, CONFIG, (ADDRESS,), attributes)
    assert translated(given) == (ServersGiven(servers),)
    assert translated(Unconfigured(1, CONFIG, (ADDRESS,), attributes)) == (ServersTaken(servers),)


def test_name_servers_that_can_be_none_are_left_out_and_many_are_cut() -> None:
    odd = tuple(Attribute(3, ip_address(text).packed) for text in ("127.0.0.1", "0.0.0.0", "224.0.0.1"))
    many = tuple(Attribute(3, bytes((10, 0, 0, number))) for number in range(1, 40))
    assert dns_of(odd) == ()
    assert len(dns_of(odd + many)) == MAX_SERVERS


def test_others_have_no_other_words() -> None:
    assert translated(Configured(1, CONFIG, (ADDRESS,), ())) == ()
    assert translated(Counted("x")) == ()
