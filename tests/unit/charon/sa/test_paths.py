"""Which paths are tried, in which order."""

from ipaddress import ip_address
from types import SimpleNamespace

from cygnet.base.addresses import Host
from cygnet.charon.sa.facts import Nat
from cygnet.charon.sa.mobility import Mobility
from cygnet.charon.sa.paths import (
    MAX_ADDRESSES,
    MAX_PAIRS,
    additional_addresses,
    candidates,
    has_choice,
    is_best,
    works,
)

A1, A2, A6 = map(ip_address, ("192.0.2.1", "198.51.100.1", "2001:db8::1"))
B1, B2, B6 = map(ip_address, ("192.0.2.2", "203.0.113.2", "2001:db8::2"))
BEGAN = ip_address("203.0.113.77")


class Addresses:
    """All of one family reach each other, the first best; ``gone`` ones are not there."""

    def __init__(self, *own):
        self.own = own

    def usable(self):
        return self.own

    def source(self, destination):
        return next((one for one in self.own if one.version == destination.version), None)

    def works(self, local, remote):
        return local in self.own and local.version == remote.version


def association(*own, remote_port=4500, **mobility):
    return SimpleNamespace(
        local=Host(A1, 4500),
        remote=Host(B1, remote_port),
        nat=Nat(),
        mobility=Mobility(**mobility),
        ports=SimpleNamespace(addresses=Addresses(*own)),
    )


def pairs(sa, attempt):
    return [(local.address, remote.address) for local, remote in candidates(sa, attempt)]


def test_first_attempt_is_the_kernels_choice_towards_the_peers_present_address():
    sa = association(A2, A6, peer_addresses=(B1, B2, B6))
    assert pairs(sa, 0) == [(A2, B1)]


def test_first_attempt_is_towards_others_where_that_cannot_be_reached():
    sa = association(A6, peer_addresses=(B1, B2, B6))
    assert pairs(sa, 0) == [(A6, B6)]


def test_second_attempt_goes_to_each_of_the_peers_addresses_and_along_the_old_path():
    sa = association(A2, A1, A6, peer_addresses=(B1, B2, B6))
    assert pairs(sa, 1) == [(A2, B1), (A1, B1), (A2, B2), (A6, B6)]


def test_third_attempt_is_everything():
    sa = association(A1, A2, A6, peer_addresses=(B1, B2, B6))
    assert set(pairs(sa, 2)) == {(A1, B1), (A2, B1), (A1, B2), (A2, B2), (A6, B6)}


def test_hint_comes_first():
    hint = Host(A2, 4500), Host(B2, 4500)
    assert candidates(association(A1, hint=hint), 0)[0] == hint


def test_where_the_peer_was_at_first_is_tried_by_who_decides():
    assert (A2, BEGAN) in pairs(association(A2, leads=True, began=BEGAN), 1)
    assert (A2, BEGAN) not in pairs(association(A2, began=BEGAN), 2)


def test_what_was_refused_is_not_tried():
    sa = association(A1, A2)
    sa.mobility.refused.add((Host(A1, 4500), Host(B1, 4500)))
    assert pairs(sa, 2) == [(A2, B1)]


def test_port_that_a_nat_gave_belongs_to_one_address():
    sa = association(A1, remote_port=40001, peer_addresses=(B2,))
    sa.nat.there = True
    assert [remote.port for _, remote in candidates(sa, 1)] == [40001, 4500]
    sa.nat.there = False
    assert [remote.port for _, remote in candidates(sa, 1)] == [40001, 40001]


def test_number_of_paths_has_a_limit():
    many = tuple(ip_address(f"10.0.0.{n}") for n in range(1, 20))
    assert len(candidates(association(*many, peer_addresses=many), 2)) == MAX_PAIRS


def test_number_of_addresses_told_has_a_limit():
    many = tuple(ip_address(f"10.0.0.{n}") for n in range(1, 60))
    assert len(additional_addresses(association(A1, *many))) == MAX_ADDRESSES
    assert A1 not in additional_addresses(association(A1, *many))


def test_choice_state_and_preference():
    assert works(association(A1)) and not works(association(A2))
    assert is_best(association(A1, A2)) and not is_best(association(A2, A1))
    assert is_best(association())
    assert not has_choice(association(A1)) and has_choice(association(A1, A2))
