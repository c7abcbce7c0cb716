"""Moving a CHILD_SA by the kernel's own means, and when those do not reach."""

import errno
from dataclasses import replace
from ipaddress import ip_address

import pytest
from simulated import SimulatedNetlink

from cygnet.base.secret import Secret
from cygnet.base.selectors import TrafficSelector
from cygnet.kernel.backends.netlink import attribute, attributes
from cygnet.kernel.backends.xfrm.associations import Associations
from cygnet.kernel.backends.xfrm.constants import Attr, Kind
from cygnet.kernel.backends.xfrm.inspection import Parts
from cygnet.kernel.backends.xfrm.migration import migrate_in_kernel
from cygnet.kernel.backends.xfrm.moving import hides_keys
from cygnet.kernel.backends.xfrm.owner import Owner
from cygnet.kernel.backends.xfrm.policies import Policies
from cygnet.kernel.backends.xfrm.policy_layout import POLICY_NAME_SIZE, Migration, unpack_policy_name
from cygnet.kernel.backends.xfrm.sa_layout import moved, pack_sized_algorithm
from cygnet.kernel.backends.xfrm.states import sa_request
from cygnet.kernel.port import (
    Algorithm,
    Direction,
    Encapsulation,
    IpProtocol,
    Mark,
    Mode,
    PolicyMove,
    PolicySpec,
    SaId,
    SaMove,
    SaSpec,
)

MOON, SUN, AWAY = ip_address("192.0.2.1"), ip_address("192.0.2.2"), ip_address("192.0.2.9")
GCM = Algorithm(20, 256, Secret(b"\7" * 36))
SA = SaSpec(SaId(MOON, SUN, IpProtocol.ESP, 0xC9), 1, Mode.TUNNEL, False, GCM)
POLICY = PolicySpec(
    Direction.OUT,
    TrafficSelector.of("10.1.0.0/24"),
    TrafficSelector.of("10.2.0.0/24"),
    Mode.TUNNEL,
    1,
    MOON,
    SUN,
)
MOVED = replace(POLICY, outer_source=AWAY)


class Migrating(SimulatedNetlink):
    """Takes SAs along, as a kernel with CONFIG_XFRM_MIGRATE does."""

    def ask(self, kind, body, flags=0):
        answer = super().ask(kind, body, flags)
        if kind == Kind.MIGRATE:
            move = Migration.unpack(attributes(body[POLICY_NAME_SIZE:])[Attr.MIGRATE])
            for key, held in list(self.sas.items()):
                new = SaId(move.new_source, move.new_destination, IpProtocol.ESP, key[1])
                self.sas[move.new_destination, key[1], key[2]] = moved(held, new)
        return answer


@pytest.fixture
def parts():
    netlink, owner = Migrating(), Owner(0x51B)
    sas = Associations(netlink, owner, (1, 2), lambda: 0.0, lambda spec: (b"",))
    return Parts(
        netlink, owner, sas, Policies(netlink, owner, lambda spec: b""), None, None, None, lambda: 0.0
    )


def move(
    parts: Parts, sa: SaSpec = SA, policy: PolicySpec = POLICY, ports: Encapsulation | None = None
) -> bool:
    parts.associations.add(sa)
    parts.policies.add(policy)
    sas = (SaMove(sa.id, replace(sa.id, source=AWAY), ports),)
    return migrate_in_kernel(parts, sas, (PolicyMove(policy, replace(policy, outer_source=AWAY)),))


def test_request_names_the_policy_and_both_pairs_of_hosts(parts):
    assert move(parts)
    body = next(body for kind, body in parts.netlink.requests if kind == Kind.MIGRATE)
    selector, direction = unpack_policy_name(body)
    assert (str(selector), direction) == ("10.1.0.0/24 === 10.2.0.0/24", 1)
    told = Migration.unpack(attributes(body[POLICY_NAME_SIZE:])[Attr.MIGRATE])
    assert told == Migration(MOON, SUN, AWAY, SUN, IpProtocol.ESP, 1, 1)


def test_bookkeeping_follows(parts):
    move(parts)
    assert parts.associations.known(replace(SA.id, source=AWAY)) is not None
    assert [change.spec for change in parts.policies.table.expected()] == [MOVED]


def test_new_ports_go_along(parts):
    udp = replace(SA, encapsulation=Encapsulation(4500, 4500))
    assert move(parts, udp, ports=Encapsulation(4501, 4500))
    body = next(body for kind, body in parts.netlink.requests if kind == Kind.MIGRATE)
    assert attributes(body[POLICY_NAME_SIZE:])[Attr.ENCAP][:6] == bytes.fromhex("0200 1195 1194")


@pytest.mark.parametrize(("sa", "policy", "ports"), [
    (SA, POLICY, Encapsulation(4500, 4500)),
    (SA, replace(POLICY, mark=Mark(5)), None),
    (SA, replace(POLICY, action=Mode.TRANSPORT), None),
    (SA, replace(POLICY, trap=True), None),
])  # fmt: skip
def test_what_the_kernel_cannot_move_is_left_to_others(parts, sa, policy, ports):
    assert not move(parts, sa, policy, ports)
    assert Kind.MIGRATE not in parts.netlink.kinds()


def test_kernel_without_migration_leaves_everything_as_it_was(parts):
    parts.netlink.refuse_next(Kind.MIGRATE, errno.ENOPROTOOPT)
    assert not move(parts)
    assert parts.associations.known(SA.id) is not None
    assert [change.spec for change in parts.policies.table.expected()] == [POLICY]


def test_half_way_is_taken_back(parts):
    into = replace(POLICY, direction=Direction.IN, outer_source=SUN, outer_destination=MOON)
    parts.associations.add(SA)
    for policy in (POLICY, into):
        parts.policies.add(policy)
    policies = (PolicyMove(POLICY, MOVED), PolicyMove(into, replace(into, outer_destination=AWAY)))
    real, asked = parts.netlink.ask, []

    def ask(kind, body, flags=0):
        asked.append(kind)
        if asked.count(Kind.MIGRATE) == 2:
            parts.netlink.refuse_next(kind, errno.EINVAL)
        return real(kind, body, flags)

    parts.netlink.ask = ask
    assert not migrate_in_kernel(parts, (SaMove(SA.id, replace(SA.id, source=AWAY)),), policies)
    assert asked.count(Kind.MIGRATE) == 3
    last = [body for kind, body in parts.netlink.requests if kind == Kind.MIGRATE][-1]
    assert Migration.unpack(attributes(last[POLICY_NAME_SIZE:])[Attr.MIGRATE]).new_source == MOON


def test_hidden_keys_are_noticed():
    shown = sa_request(SA, 1)
    hidden = shown[:224] + attribute(Attr.ALG_AEAD, pack_sized_algorithm("rfc4106(gcm(aes))", bytes(36), 128))
    assert not hides_keys(shown)
    assert hides_keys(hidden)
    assert not hides_keys(sa_request(replace(SA, encryption=None, integrity=replace(GCM, number=12)), 1))
