"""What is told of CHILD_SAs that the kernel lost."""

from cygnet.base.addresses import Host
from cygnet.base.selectors import TrafficSelector
from cygnet.charon.sa.succession import lost
from cygnet.crypto.proposals import Protocol, parse_proposals
from cygnet.kernel.backends.memory import MemoryKernel
from cygnet.keying.config.records import ChildConfig
from cygnet.keying.sa.child_sa import ChildSa
from cygnet.keying.sa.esp_path import Path

HERE, THERE, MOVED = (Host.of(text, 4500) for text in ("192.0.2.1", "192.0.2.2", "198.51.100.1"))
LOCAL, REMOTE = (TrafficSelector.of("10.1.0.0/16"),), (TrafficSelector.of("10.2.0.0/16"),)


def test_what_is_told_of_a_lost_one_are_the_hosts_it_was_made_between():
    """Its ``dynamic`` selectors are still those."""
    config = ChildConfig("net", LOCAL, REMOTE, parse_proposals("aes128gcm16!", Protocol.ESP))
    child = ChildSa(1, config, 7, Path(HERE, THERE, False), 0x61626364)
    child.hosts = (HERE.address,), (THERE.address,)
    child.move(MemoryKernel(), Path(MOVED, THERE, False))
    assert lost(child).hosts == ((HERE.address,), (THERE.address,))
