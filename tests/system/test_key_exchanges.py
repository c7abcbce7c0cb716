"""Hybrid tunnels, X25519 with ML-KEM-768, and their rekeyings, with Cygnet and with strongSwan 6.1."""

import re
from threading import Thread

import pytest

from lab.gateways import Gateway
from lab.hosts import until
from lab.pings import no_ping_lost
from lab.topology import PAIRS, Lab
from lab.tunnels import End, assert_carries, bring_up, configure, replace

pytestmark = [pytest.mark.root, pytest.mark.tun]

IKE = "aes256gcm16-prfsha384-x25519-ke1_mlkem768!"
ESP = "aes256gcm16-x25519-ke1_mlkem768!"
SOON = {"reauth": "no", "ikelifetime": "14s", "lifetime": "9s", "margintime": "6s", "rekeyfuzz": "0%"}
"""CHILD_SAs are rekeyed after 3 s, IKE_SAs after 8 s."""


@pytest.mark.parametrize("kinds", PAIRS)
def test_hybrid_tunnel_carries_traffic(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, ike=IKE, esp=ESP)
    bring_up(moon, sun)
    for end in (moon, sun):
        assert "AES_GCM_16_256/PRF_HMAC_SHA2_384/CURVE_25519/KE1_ML_KEM_768" in end.host.ipsec("statusall")
    assert_carries(moon, sun)


@pytest.mark.parametrize("kinds", PAIRS)
def test_both_kinds_of_rekeying_exchange_further_keys_and_lose_no_packet(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, ike=IKE, esp=ESP, **SOON)
    for name, value in SOON.items():  # moon rekeys, sun follows
        replace(sun, f"    {name}={value}\n", "    reauth=no\n" if name == "reauth" else "")
    bring_up(moon, sun)
    first = all_spis(moon), all_spis(sun)
    with no_ping_lost(moon, sun):
        until(lambda: not all_spis(moon) & first[0] and not all_spis(sun) & first[1], "all rekeyed", 20)
        until(lambda: settled(moon, sun), "one SA of each kind", 10)
    for end in (moon, sun):
        assert re.search(r"IKE proposal: .*KE1_ML_KEM_768", end.host.ipsec("statusall"))
        end.host.says("IKE_FOLLOWUP_KE")
    assert_carries(moon, sun)


ON_DEMAND = {
    "cygnet": {"ike": "ipsec stroke rekey net-net[]", "child": "ipsec stroke rekey net-net{}"},
    "strongswan": {"ike": "swanctl --rekey --ike net-net", "child": "swanctl --rekey --child net-net"},
}


@pytest.mark.parametrize("who", ["initiator", "responder"])
@pytest.mark.parametrize("what", ["ike", "child"])
@pytest.mark.parametrize("kinds", [pair for pair in PAIRS if "strongswan" in str(pair.values[0])])
def test_either_side_rekeys_on_demand(lab: Lab, kinds: str, what: str, who: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, ike=IKE, esp=ESP, reauth="no")
    bring_up(moon, sun)
    old = spis(moon, what), spis(sun, what)
    host = moon.host if who == "initiator" else sun.host
    with no_ping_lost(moon, sun):
        host.run(*ON_DEMAND[host.kind][what].split())
        until(lambda: not spis(moon, what) & old[0] and settled(moon, sun), f"{what} rekeyed", 5)
    assert spis(sun, what) and not spis(sun, what) & old[1]
    assert_carries(moon, sun)


@pytest.mark.peer
@pytest.mark.parametrize(
    ("kinds", "ike", "esp"),
    [
        ("cygnet-strongswan", IKE, ESP),
        ("strongswan-cygnet", "aes256gcm16-prfsha384-x25519!", "aes256gcm16!"),
    ],
)
def test_both_sides_rekey_at_once(lab: Lab, kinds: str, ike: str, esp: str) -> None:
    """Whoever wins, one SA of each kind is left, and no packet was lost."""
    moon, sun = lab.pair(kinds)
    configure(moon, sun, ike=ike, esp=esp, reauth="no")
    bring_up(moon, sun)
    with no_ping_lost(moon, sun):
        for what in ("child", "ike") * 2:
            cross(moon, sun, what)
            until(lambda: settled(moon, sun), "one SA of each kind", 20)
    assert_carries(moon, sun)
    assert moon.host.log().count("collision") + sun.host.log().count("collision") >= 4


HOLD = """
table inet hold
delete table inet hold
table inet hold {
  chain input {
    type filter hook input priority -300;
    udp dport 4500 @th,64,32 0 @th,248,8 & 0x20 >= MASK drop
    udp dport 500 @th,216,8 & 0x20 >= MASK drop
  }
}
"""
ALL, RESPONSES = "0", "0x20"
"""Which IKE messages do not arrive, by the flag of a response (RFC 7296, 3.1)."""


def cross(moon: End, sun: End, what: str) -> None:
    """Both rekey; no request arrives before both have begun, no response before both requests are there."""
    ends = (moon, sun)
    orders = [Thread(target=rekey, args=(end.host, what)) for end in ends]
    made, come = requests(ends, "generating"), requests(ends, "parsed")
    hold(ends, ALL)
    for order in orders:
        order.start()
    until(lambda: more(requests(ends, "generating"), made), "both begin to rekey", 5)
    hold(ends, RESPONSES)
    until(lambda: more(requests(ends, "parsed"), come), "both have the other's request", 5)
    for end in ends:
        end.host.net("nft", "delete", "table", "inet", "hold")
    for order in orders:
        order.join(20)


def hold(ends: tuple[End, End], messages: str) -> None:
    for end in ends:
        end.host.net("nft", "-f", "-", stdin=HOLD.replace("MASK", messages))


def requests(ends: tuple[End, End], verb: str) -> list[int]:
    """How many requests for new keys each has made, or got."""
    return [end.host.log().count(f"{verb} CREATE_CHILD_SA request") for end in ends]


def more(now: list[int], before: list[int]) -> bool:
    return all(one > old for one, old in zip(now, before, strict=True))


def rekey(host: Gateway, what: str) -> None:
    host.run(*ON_DEMAND[host.kind][what].split(), status=None)


@pytest.mark.parametrize("kinds", PAIRS)
def test_peer_without_ml_kem_gets_the_proposal_without(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    both = "aes256gcm16-prfsha384-x25519-ke1_mlkem768,aes256gcm16-prfsha384-x25519!"
    configure(moon, sun, ike=both, esp="aes256gcm16-x25519-ke1_mlkem768-ke1_none!")
    replace(sun, f"ike={both}", "ike=aes256gcm16-prfsha384-x25519!")
    bring_up(moon, sun)
    assert "ML_KEM" not in moon.host.ipsec("statusall").partition("Security Associations")[2]
    assert_carries(moon, sun)


@pytest.mark.parametrize("kinds", PAIRS)
def test_several_additional_key_exchanges_of_any_kind(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(
        moon, sun, ike="aes128gcm16-prfsha256-ecp256-ke1_x25519-ke3_mlkem1024-ke7_mlkem768!", esp=ESP
    )
    bring_up(moon, sun)
    assert "ECP_256/KE1_CURVE_25519/KE3_ML_KEM_1024/KE7_ML_KEM_768" in moon.host.ipsec("statusall")
    assert_carries(moon, sun)


def spis(end: End, what: str = "child") -> set[str]:
    """SPIs of the IKE_SAs, or of the CHILD_SAs that are in use."""
    text = end.host.ipsec("statusall")
    if what == "ike":
        return set(re.findall(r"[0-9a-f]{16}_[ir]", text))
    return set(re.findall(r"INSTALLED.*?([0-9a-f]{8})_i", text))


def all_spis(end: End) -> set[str]:
    return spis(end, "ike") | spis(end, "child")


def settled(one: End, other: End) -> bool:
    return all(end.host.established() == end.host.installed() == 1 for end in (one, other))
