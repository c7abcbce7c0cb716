"""Interfaces of connections, on a simulated routing netlink."""

import errno
from dataclasses import replace
from ipaddress import ip_address

import pytest
from pyroute2.netlink.exceptions import NetlinkError

from cygnet.base.selectors import TrafficSelector
from cygnet.kernel.backends.xfrm.devices import FIRST_NUMBER, Devices
from cygnet.kernel.port import Direction, InterfaceKind, InterfaceSpec, KernelError, Mark, Mode, PolicySpec

MOON, SUN = ip_address("192.0.2.1"), ip_address("192.0.2.2")
SPEC = InterfaceSpec("net", InterfaceKind.AUTO, "", MOON, SUN)
ANY = TrafficSelector.of("0.0.0.0/0")
POLICY = PolicySpec(Direction.OUT, ANY, ANY, Mode.TUNNEL)


class Link(dict):
    """A message about a link."""

    def get_attr(self, name):
        return self.get(name)


class Links:
    """``pyroute2.IPRoute`` as far as links go; ``kinds`` are those the kernel knows."""

    def __init__(self, *kinds: str) -> None:
        self.kinds = kinds
        self.links: dict[int, Link] = {}
        self._next = 10

    def __call__(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *details):
        pass

    def link(self, command, index=0, ifname="", kind="", **options):
        if command == "add":
            if kind not in self.kinds:
                raise NetlinkError(errno.EOPNOTSUPP, "Operation not supported")
            if any(link["IFLA_IFNAME"] == ifname for link in self.links.values()):
                raise NetlinkError(errno.EEXIST, "File exists")
            self._next += 1
            self.links[self._next] = Link(index=self._next, IFLA_IFNAME=ifname, kind=kind, **options)
        elif command == "del":
            if index not in self.links:
                raise NetlinkError(errno.ENODEV, "No such device")
            del self.links[index]
        else:
            if "ifalias" in options:
                options["IFLA_IFALIAS"] = options.pop("ifalias")
            self.links[index].update(options)

    def link_lookup(self, ifname):
        return [index for index, link in self.links.items() if link["IFLA_IFNAME"] == ifname]

    def get_links(self):
        return list(self.links.values())


@pytest.fixture
def links():
    return Links("xfrm", "vti", "vti6")


@pytest.fixture
def devices(links):
    return Devices(0x51B, links)


def test_xfrm_interface_is_bound_by_its_number(devices, links):
    interface = devices.open(SPEC)
    (link,) = links.links.values()
    assert (interface.name, interface.if_id, interface.mark) == ("ipsec1", FIRST_NUMBER + 1, None)
    assert (link["kind"], link["xfrm_if_id"], link["state"]) == ("xfrm", FIRST_NUMBER + 1, "up")
    assert link["IFLA_IFALIAS"] == "cygnet 51b net"
    assert devices.index_of(replace(POLICY, if_id=interface.if_id)) == link["index"]
    assert devices.index_of(POLICY) is None


def test_vti_where_the_kernel_has_no_xfrm_interfaces(links):
    links.kinds = ("vti",)
    devices = Devices(1, links)
    interface = devices.open(SPEC)
    (link,) = links.links.values()
    assert (interface.if_id, interface.mark) == (0, Mark(FIRST_NUMBER + 1))
    assert (link["vti_local"], link["vti_remote"]) == ("192.0.2.1", "192.0.2.2")
    assert link["vti_ikey"] == link["vti_okey"] == FIRST_NUMBER + 1
    assert devices.index_of(replace(POLICY, mark=interface.mark)) == link["index"]


def test_vti_over_ipv6_for_any_peer(devices, links):
    six = InterfaceSpec("six", InterfaceKind.VTI, "v6", ip_address("2001:db8::1"), ip_address("::"))
    assert devices.open(six).name == "v6"
    (link,) = links.links.values()
    assert link["kind"] == "vti6" and "vti_remote" not in link


def test_kernel_without_either_is_told_what_is_missing():
    with pytest.raises(KernelError, match=r"xfrm_interface.*and no VTI.*ip_vti"):
        Devices(1, Links()).open(SPEC)


def test_interface_is_shared_and_goes_with_its_last_user(devices, links):
    first, second = devices.open(SPEC), devices.open(SPEC)
    assert first == second and len(links.links) == 1
    devices.close(first)
    assert len(links.links) == 1
    devices.close(first)
    assert links.links == {}
    with pytest.raises(KernelError, match="no interface ipsec1"):
        devices.close(first)


def test_connections_have_interfaces_and_numbers_of_their_own(devices):
    one, other = devices.open(SPEC), devices.open(replace(SPEC, connection="other"))
    assert (one.name, other.name) == ("ipsec1", "ipsec2")
    assert one.if_id != other.if_id


def test_name_that_somebody_has_is_left_to_them(devices, links):
    links.link("add", ifname="ipsec1", kind="vti")
    assert devices.open(SPEC).name == "ipsec2"
    with pytest.raises(KernelError, match="exists already"):
        devices.open(replace(SPEC, connection="other", name="ipsec1"))


def test_name_that_is_too_long_is_refused(devices):
    with pytest.raises(KernelError, match="longer than 15"):
        devices.open(replace(SPEC, name="a" * 16))


def test_vti_follows_its_hosts(links):
    links.kinds = ("vti",)
    devices = Devices(1, links)
    devices.open(SPEC)
    devices.open(replace(SPEC, remote=ip_address("198.51.100.7")))
    assert [link["vti_remote"] for link in links.links.values()] == ["198.51.100.7"]


def test_removed_interface_is_missed_and_comes_back_as_it_was(devices, links):
    interface = devices.open(SPEC)
    assert devices.missing() == ()
    links.links.clear()
    assert devices.missing() == (interface,)
    devices.restore(interface)
    (link,) = links.links.values()
    assert (link["IFLA_IFNAME"], link["xfrm_if_id"]) == ("ipsec1", interface.if_id)


def test_clearing_takes_what_an_earlier_daemon_left_and_no_other_interface(links):
    Devices(0x51B, links).open(SPEC)
    Devices(0x51C, links).open(SPEC)
    links.link("add", ifname="eth7", kind="vti")
    assert Devices(0x51B, links).clear() == 1
    assert sorted(link["IFLA_IFNAME"] for link in links.links.values()) == ["eth7", "ipsec2"]


def test_names_are_for_people(devices):
    devices.open(SPEC)
    assert devices.names() == ("ipsec1 (xfrm, number 0x43590001) for net",)
