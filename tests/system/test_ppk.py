"""Post-quantum pre-shared keys (RFC 8784) with real daemons; strongSwan has them in swanctl.conf."""

import re
from dataclasses import dataclass, field

import pytest

from lab import swanctl
from lab.hosts import until
from lab.topology import PAIRS, Lab
from lab.tunnels import PSK, End, assert_carries, is_up

pytestmark = [pytest.mark.root, pytest.mark.tun]
NAME = "ppk.lab"
PPK = "0x" + bytes(range(32)).hex()
OTHER = "0x" + bytes(32).hex()
PASSWORD = "a password of carol"


@dataclass
class Ppks:
    """What one side has: keys by name, the name it uses, whether it insists."""

    keys: dict[str, str] = field(default_factory=lambda: {NAME: PPK})
    name: str = NAME
    required: bool = True

    @property
    def options(self) -> dict[str, str]:
        name = {"ppk_id": self.name} if self.name else {}
        return name | {"ppk_required": "yes" if self.required else "no"}


def prepare(end: End, peer: End, ppks: Ppks, own: list[str], theirs: list[str]) -> None:
    """Writes one side's files, in its own tongue; the methods are of the rounds of both."""
    if end.host.kind == "cygnet":
        named = "".join(f"{name} : PPK {key}\n" for name, key in ppks.keys.items())
        shared = f'{end.identity} {peer.identity} : PSK "{PSK}"\ncarol : EAP "{PASSWORD}"\n'
        end.host.write("/etc/ipsec.secrets", shared + named, 0o600)
        end.host.write("/etc/ipsec.conf", conn(end, peer, own, theirs, ppks.options))
        return
    end.host.write("/etc/ipsec.conf", "config setup\n")
    rounds = {"local": own, "remote": theirs}
    text = swanctl.connection(end, peer, rounds, ppks.options)
    end.host.write(swanctl.FILE, text + swanctl.secrets(end, peer, PASSWORD, ppks.keys), 0o600)


def conn(end: End, peer: End, own: list[str], theirs: list[str], options: dict[str, str]) -> str:
    lines = {"keyexchange": "ikev2", "auto": "add", "reauth": "no"} | options
    for side, who, methods in (("left", end, own), ("right", peer, theirs)):
        lines |= {side: who.address, f"{side}subnet": who.subnet, f"{side}id": who.identity}
        lines |= {f"{side}auth{number or ''}": one for number, one in zip((0, 2), methods, strict=False)}
    if any(method.startswith("eap") for method in (*own, *theirs)):
        lines["eap_identity"] = "carol" if any(one.startswith("eap") for one in own) else "%any"
    return "config setup\n\nconn net-net\n" + "".join(f"    {key}={value}\n" for key, value in lines.items())


def start(
    lab: Lab, kinds: str, moons: Ppks, suns: Ppks, methods: tuple[str, ...] = ("psk",)
) -> tuple[End, End]:
    """Both daemons with their connections; ``methods`` are of moon's rounds, sun has its secret."""
    moon, sun = lab.pair(kinds)
    prepare(moon, sun, moons, list(methods), ["psk"])
    prepare(sun, moon, suns, ["psk"], list(methods))
    for end in (sun, moon):
        end.host.start()
        if end.host.kind != "cygnet":
            swanctl.load(end.host)
    return moon, sun


def bring_up(moon: End, sun: End) -> str:
    done = moon.host.run("ipsec", "up", "net-net", status=None)
    until(lambda: is_up(moon) and is_up(sun), f"net-net up at both ends: {done.stdout}", 5)
    return done.stdout


@pytest.mark.parametrize("kinds", PAIRS)
@pytest.mark.parametrize("required", [True, False])
def test_ppk_that_both_have(lab: Lab, kinds: str, required: bool) -> None:
    moon, sun = start(lab, kinds, Ppks(required=required), Ppks(required=required))
    bring_up(moon, sun)
    assert_carries(moon, sun)
    for end in (moon, sun):
        end.host.says(f"using PPK for PPK_ID '{NAME}'")
        if end.host.kind == "cygnet":
            assert "/PPK\n" in end.host.ipsec("statusall")


def spis(end: End) -> set[tuple[str, str]]:
    """Of its IKE_SAs."""
    return set(re.findall(r"IKEv2 SPIs: (\S+_i)\*? (\S+_r)", end.host.ipsec("statusall")))


ON_DEMAND = {"cygnet": "ipsec stroke rekey net-net[]", "strongswan": "swanctl --rekey --ike net-net"}


@pytest.mark.parametrize("kinds", PAIRS)
@pytest.mark.parametrize("who", ["initiator", "responder"])
def test_rekeyed_ike_sa_inherits_it(lab: Lab, kinds: str, who: str) -> None:
    moon, sun = start(lab, kinds, Ppks(), Ppks())
    bring_up(moon, sun)
    old = spis(moon)
    host = moon.host if who == "initiator" else sun.host
    host.run(*ON_DEMAND[host.kind].split())
    until(lambda: old.isdisjoint(spis(moon)) and spis(moon) == spis(sun), "a new IKE_SA", 5)
    moon.host.run(*f"{ON_DEMAND[moon.host.kind]}".replace("ike", "child").replace("[]", "{}").split())
    until(lambda: is_up(moon) and is_up(sun), "one of each", 5)
    assert_carries(moon, sun)
    if host.kind == "cygnet":
        assert "/PPK\n" in host.ipsec("statusall")


@pytest.mark.parametrize("kinds", PAIRS)
@pytest.mark.parametrize(("methods", "known"), [
    (("eap-mschapv2",), True), (("psk", "eap-mschapv2"), True), (("psk", "eap-mschapv2"), False),
    (("eap-md5",), False),
])  # fmt: skip
def test_with_eap(lab: Lab, kinds: str, methods: tuple[str, ...], known: bool) -> None:
    """Used, and left out where the responder knows another one only."""
    suns = Ppks({NAME: PPK} if known else {"another": OTHER}, "", required=known)
    moon, sun = start(lab, kinds, Ppks(required=known), suns, methods)
    bring_up(moon, sun)
    assert_carries(moon, sun)
    for end in (moon, sun):
        assert (f"using PPK for PPK_ID '{NAME}'" in end.host.log()) is known
    if not known:
        moon.host.says(f"peer didn't use PPK for PPK_ID '{NAME}'")


@pytest.mark.parametrize("kinds", PAIRS)
def test_responder_that_knows_another_takes_the_proof_without(lab: Lab, kinds: str) -> None:
    moon, sun = start(lab, kinds, Ppks(required=False), Ppks({"another": OTHER}, "", required=False))
    bring_up(moon, sun)
    assert_carries(moon, sun)
    moon.host.says(f"peer didn't use PPK for PPK_ID '{NAME}'")
    sun.host.says("using NO_PPK_AUTH notify")


@pytest.mark.parametrize("kinds", PAIRS)
@pytest.mark.parametrize("whose", ["moon", "sun"])
def test_optional_where_the_other_has_none(lab: Lab, kinds: str, whose: str) -> None:
    none, optional = Ppks({}, "", required=False), Ppks(required=False)
    moon, sun = start(lab, kinds, *((none, optional) if whose == "sun" else (optional, none)))
    bring_up(moon, sun)
    assert_carries(moon, sun)


REFUSALS = {
    "unequal": (Ppks(), Ppks({NAME: OTHER})),
    "unknown": (Ppks(), Ppks({"another": OTHER}, "", required=False)),
    "none there": (Ppks(), Ppks({}, "", required=False)),
    "none here": (Ppks({}, "", required=False), Ppks()),
    "other name": (Ppks({NAME: PPK, "another": OTHER}, "another"), Ppks({NAME: PPK, "another": OTHER})),
}
UNSUPPORTED = "PPK required but peer does not support PPK"
REASONS = {
    "unequal": ("", "MAC mismatched"),
    "unknown": ("", "no PPK found for 'ppk.lab', and the peer requires a PPK"),
    "none there": (UNSUPPORTED, "peer offers to use a PPK, there is none here"),
    "none here": ("", UNSUPPORTED),
    "other name": ("", "received PPK_ID 'another', but require 'ppk.lab'"),
}


@pytest.mark.parametrize("kinds", PAIRS)
@pytest.mark.parametrize("case", list(REFUSALS))
def test_refused(lab: Lab, kinds: str, case: str) -> None:
    moon, sun = start(lab, kinds, *REFUSALS[case])
    text = moon.host.run("ipsec", "up", "net-net", status=None, timeout=60).stdout
    assert "establishing connection 'net-net' failed" in text
    assert not moon.host.installed() and not sun.host.installed()
    for end, reason in zip((moon, sun), REASONS[case], strict=True):
        if end.host.kind == "cygnet":
            end.host.says(reason)
