"""Hybrid tunnels, X25519 with ML-KEM-768, and their rekeyings, with Cygnet and with strongSwan 6.1."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lab.hosts import until
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
    first = spis(moon), spis(sun)
    with pings(moon, sun, 11), pings(sun, moon, 11):
        until(lambda: "CREATE_CHILD_SA request" in moon.host.log(), "the first rekeying", 9)
    until(lambda: moon.host.established() == sun.host.established() == 1, "one IKE_SA each", 5)
    for end, old in zip((moon, sun), first, strict=True):
        assert not spis(end) & old
        assert re.search(r"IKE proposal: .*KE1_ML_KEM_768", end.host.ipsec("statusall"))
        assert "IKE_FOLLOWUP_KE" in end.host.log()
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
    with pings(moon, sun, 3), pings(sun, moon, 3):
        host.run(*ON_DEMAND[host.kind][what].split())
        until(lambda: not spis(moon, what) & old[0] and settled(moon, sun), f"{what} rekeyed", 5)
    assert spis(sun, what) and not spis(sun, what) & old[1]
    assert_carries(moon, sun)


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


def settled(one: End, other: End) -> bool:
    return all(end.host.established() == end.host.installed() == 1 for end in (one, other))


@contextmanager
def pings(one: End, other: End, seconds: float) -> Iterator[None]:
    """Pings fifty times a second meanwhile, each of which must be answered."""
    command = ["ping", "-q", "-c", str(int(seconds * 50)), "-i", "0.02", "-W", "2"]
    command += ["-I", one.inside, other.inside]
    process = subprocess.Popen(
        ["nsenter", f"--net=/proc/{one.host.pid}/ns/net", "--", *command], stdout=subprocess.PIPE, text=True
    )
    try:
        yield
        summary, _ = process.communicate(timeout=seconds + 10)
    finally:
        process.kill()
    assert " 0% packet loss" in summary, f"from {one.host.name}: {summary}"
