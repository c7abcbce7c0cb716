"""``ipsec _updown``: which rules come from which environment, and that all go again."""

import json
from typing import Any

import pytest

from cygnet.ipsec.updown import Rule, apply_iptables, apply_nft, iptables_rule, main, nft_rule, read

TUNNEL = {
    "PLUTO_VERB": "up-client", "PLUTO_CONNECTION": "rw", "PLUTO_REQID": "3", "PLUTO_MY_CLIENT": "10.1.0.0/16",
    "PLUTO_PEER_CLIENT": "10.2.0.0/16", "PLUTO_MY_PROTOCOL": "0", "PLUTO_PEER_PROTOCOL": "0",
    "PLUTO_MY_PORT": "0", "PLUTO_PEER_PORT": "0", "CYGNET_DEVICE": "ipsec0",
}  # fmt: skip
FORWARD_IN, FORWARD_OUT = Rule("forward", True), Rule("forward", False)
INPUT, OUTPUT = Rule("input", True), Rule("output", False)


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        ({}, [FORWARD_IN, FORWARD_OUT]),
        ({"PLUTO_VERB": "up-host"}, [INPUT, OUTPUT]),
        ({"PLUTO_HOST_ACCESS": "1"}, [FORWARD_IN, FORWARD_OUT, INPUT, OUTPUT]),
        ({"PLUTO_MY_SOURCEIP": "10.3.0.1"}, [FORWARD_IN, FORWARD_OUT, INPUT, OUTPUT]),
    ],
)
def test_hooks(changes: dict[str, str], rules: list[Rule]) -> None:
    assert list(read({**TUNNEL, **changes}).rules()) == rules


def test_iptables_rule_is_about_the_device_or_the_policy() -> None:
    tunnel = read(TUNNEL)
    assert " ".join(iptables_rule(tunnel, FORWARD_IN)) == "-s 10.2.0.0/16 -d 10.1.0.0/16 -i ipsec0 -j ACCEPT"
    kernel = read({**TUNNEL, "CYGNET_DEVICE": ""})
    expected = "-s 10.1.0.0/16 -d 10.2.0.0/16 -m policy --dir out --pol ipsec --reqid 3 -j ACCEPT"
    assert " ".join(iptables_rule(kernel, FORWARD_OUT)) == expected


def test_ports_stand_at_their_own_ends() -> None:
    tunnel = read({**TUNNEL, "PLUTO_MY_PROTOCOL": "6", "PLUTO_MY_PORT": "22"})
    assert "-p 6 -s 10.2.0.0/16 -d 10.1.0.0/16 --dport 22" in " ".join(iptables_rule(tunnel, FORWARD_IN))
    assert "tcp sport 22" in " ".join(nft_rule(tunnel, FORWARD_OUT))


def test_range_of_ports_is_one_and_hidden_ports_are_left_to_the_tunnel() -> None:
    tunnel = read({**TUNNEL, "PLUTO_MY_PROTOCOL": "17", "PLUTO_MY_PORT": "1024:2047"})
    assert "--dport 1024:2047" in " ".join(iptables_rule(tunnel, FORWARD_IN))
    assert "udp sport 1024-2047" in " ".join(nft_rule(tunnel, FORWARD_OUT))
    hidden = read({**TUNNEL, "PLUTO_MY_PROTOCOL": "17", "PLUTO_MY_PORT": "65535:0"})
    assert "port" not in " ".join((*iptables_rule(hidden, FORWARD_IN), *nft_rule(hidden, FORWARD_IN)))


def test_icmp_has_a_type_and_a_code_and_no_ports() -> None:
    tunnel = read({**TUNNEL, "PLUTO_MY_PROTOCOL": "1", "PLUTO_MY_PORT": "8"})
    assert "-p 1 -s 10.2.0.0/16 -d 10.1.0.0/16 -i" in " ".join(iptables_rule(tunnel, FORWARD_IN))


class Nft:
    """Chains and rules as ``nft -j`` shows them."""

    def __init__(self, *chains: tuple[str, str, str, str]) -> None:
        self.chains = chains
        self.rules: dict[int, tuple[list[str], str]] = {}
        self.next = 10

    def __call__(self, command: list[str]) -> str:
        match command:
            case ["nft", "-j", "list", "chains"]:
                return json.dumps({"nftables": [{"metainfo": {}}, *map(_chain, self.chains)]})
            case ["nft", "insert", "rule", family, table, name, *words]:
                self.next += 1
                self.rules[self.next] = ([family, table, name], " ".join(words))
            case ["nft", "-j", "-a", "list", "chain", *place]:
                found = [self._rule(number) for number, (where, _) in self.rules.items() if where == place]
                return json.dumps({"nftables": found})
            case ["nft", "delete", "rule", *place, "handle", number]:
                assert self.rules.pop(int(number))[0] == place
            case _:
                raise AssertionError(command)
        return ""

    def _rule(self, number: int) -> dict[str, Any]:
        comment = self.rules[number][1].split('comment "')[1].rstrip('"')
        return {"rule": {"handle": number, "comment": comment}}


def _chain(chain: tuple[str, str, str, str]) -> dict[str, Any]:
    family, table, name, hook = chain
    return {"chain": {"family": family, "table": table, "name": name, "type": "filter", "hook": hook}}


FILTER = (("inet", "fw", "forward", "forward"), ("inet", "fw", "in", "input"), ("ip6", "six", "f", "forward"),
          ("ip", "filter", "FORWARD", "forward"))  # fmt: skip


def test_every_filter_chain_of_the_hook_lets_the_tunnel_through() -> None:
    nft = Nft(*FILTER)
    apply_nft("up", read(TUNNEL), nft, with_iptables=True)
    assert [" ".join(where) for where, _ in nft.rules.values()] == ["inet fw forward"] * 2
    apply_nft("down", read({**TUNNEL, "PLUTO_VERB": "down-client"}), nft, with_iptables=True)
    assert not nft.rules


def test_chains_that_look_like_those_of_iptables_are_ours_without_it() -> None:
    nft = Nft(*FILTER)
    apply_nft("up", read(TUNNEL), nft, with_iptables=False)
    assert {where[1] for where, _ in nft.rules.values()} == {"fw", "filter"}


def test_rules_of_another_tunnel_stay() -> None:
    nft = Nft(*FILTER)
    apply_nft("up", read(TUNNEL), nft, with_iptables=True)
    other = {**TUNNEL, "PLUTO_PEER_CLIENT": "10.9.0.0/16"}
    apply_nft("up", read(other), nft, with_iptables=True)
    apply_nft("down", read(TUNNEL), nft, with_iptables=True)
    assert all("10.9.0.0/16" in words for _, words in nft.rules.values()) and len(nft.rules) == 2


def test_iptables_rules_are_deleted_as_they_were_made() -> None:
    calls: list[list[str]] = []

    def run(command: list[str]) -> str:
        calls.append(command)
        return ""

    apply_iptables("up", read(TUNNEL), run)
    apply_iptables("down", read(TUNNEL), run)
    assert [call[:5] for call in calls[:2]] == [["iptables", "-w", "-I", "FORWARD", "1"]] * 2
    assert [call[5:] for call in calls[:2]] == [call[4:] for call in calls[2:]]


@pytest.mark.parametrize(
    ("arguments", "environment", "status"),
    [
        (["iptables"], {}, 2), (["pf"], TUNNEL, 2), ([], {"PLUTO_VERB": "prepare-host"}, 2),
        ([], {"PLUTO_VERB": "up-client"}, 1), ([], {**TUNNEL, "PLUTO_MY_CLIENT": "; reboot"}, 1),
    ],
)  # fmt: skip
def test_environment_that_is_none_is_refused(
    arguments: list[str], environment: dict[str, str], status: int
) -> None:
    assert main(arguments, environment) == status
