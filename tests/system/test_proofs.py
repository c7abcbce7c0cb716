"""Raw public keys and second rounds with real daemons."""

from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lab.certificates import Holder, authority, leaf
from lab.gateways import peer_missing
from lab.topology import PAIRS, Lab
from lab.tunnels import End, assert_carries, bring_up, configure, credentials, is_up, replace

pytestmark = [pytest.mark.root]

_MISSING = peer_missing("trixie")
IKEV1_PAIRS = [
    "cygnet-cygnet",
    *(
        pytest.param(pair, marks=[pytest.mark.peer, pytest.mark.skipif(bool(_MISSING), reason=_MISSING)])
        for pair in ("cygnet-strongswan60", "strongswan60-cygnet")
    ),
]
SPKI = PublicFormat.SubjectPublicKeyInfo


def spki(holder: Holder) -> str:
    return "0s" + b64encode(holder.key.public_key().public_bytes(Encoding.DER, SPKI)).decode()


def ssh(holder: Holder) -> str:
    line = holder.key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return "ssh:0s" + line.split()[1].decode()


def dns(holder: Holder) -> str:
    numbers = holder.key.public_key().public_numbers()
    octets = b"\x03\x01\x00\x01" + numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")
    return "dns:0s" + b64encode(octets).decode()


def in_files(holder: Holder) -> str:
    return "NAME.pub"


FORMS = {"spki": spki, "ssh": ssh, "dns": dns, "file": in_files}


def raw_keys(
    lab: Lab, kinds: str, form: str, kind: str, **options: str
) -> tuple[End, End, dict[str, Holder]]:
    """Both know each other's key in one form, and have no certificate at all."""
    moon, sun = lab.pair(kinds)
    holders = {end.host.name: leaf(authority(kind), end.host.name) for end in (moon, sun)}
    configure(moon, sun, **options)
    for end, other in ((moon, sun), (sun, moon)):
        own, theirs = holders[end.host.name], holders[other.host.name]
        end.host.write("/etc/ipsec.d/private/own.key", own.key_pem, 0o600)
        end.host.write("/etc/ipsec.secrets", f": {own.secret_type} own.key\n", 0o600)
        for name, holder in (("left", own), ("right", theirs)):
            pem = holder.key.public_key().public_bytes(Encoding.PEM, SPKI)
            end.host.write(f"/etc/ipsec.d/certs/{name}.pub", pem)
            key = FORMS[form](holder).replace("NAME", name)
            replace(end, f"{name}auth=psk", f"{name}auth=pubkey\n    {name}sigkey=\"{key}\"")
    return moon, sun, holders


@pytest.mark.parametrize("kinds", PAIRS)
@pytest.mark.parametrize(
    ("form", "kind"), [("spki", "ecdsa"), ("ssh", "rsa"), ("dns", "rsa"), ("file", "ed25519")]
)
def test_raw_public_keys(lab: Lab, kinds: str, form: str, kind: str) -> None:
    moon, sun, _ = raw_keys(lab, kinds, form, kind)
    bring_up(moon, sun)
    assert_carries(moon, sun)
    for end, other in ((moon, sun), (sun, moon)):
        listed = end.host.ipsec("listpubkeys").splitlines()
        assert "List of Raw Public Keys" in listed
        subjects = {line.strip() for line in listed if "subject:" in line}
        assert subjects == {'subject:  "moon.lab"', 'subject:  "sun.lab"'}
        assert len([line for line in listed if line.endswith(", has private key")]) == 1
        status = end.host.ipsec("statusall")
        assert f"remote: [{other.host.name}.lab] uses public key authentication" in status
        assert f'cert:  "{other.host.name}.lab"' in status


@pytest.mark.parametrize("kinds", IKEV1_PAIRS)
@pytest.mark.parametrize(("form", "kind"), [("dns", "rsa"), ("file", "ecdsa")])
def test_raw_public_keys_of_ikev1(lab: Lab, kinds: str, form: str, kind: str) -> None:
    moon, sun, _ = raw_keys(lab, kinds, form, kind, keyexchange="ikev1")
    bring_up(moon, sun)
    assert_carries(moon, sun)
    for end in (moon, sun):
        assert "List of Raw Public Keys" in end.host.ipsec("listpubkeys")
        assert "IKEv1 SPIs: " in end.host.ipsec("statusall")


@pytest.mark.parametrize("kinds", PAIRS)
def test_raw_key_that_is_sent_though_nobody_asked(lab: Lab, kinds: str) -> None:
    moon, sun, _ = raw_keys(lab, kinds, "spki", "ecdsa")
    for end in (moon, sun):
        replace(end, "leftsigkey=", "leftsendcert=always\n    leftsigkey=")
    bring_up(moon, sun)
    assert_carries(moon, sun)


@pytest.mark.peer
def test_both_suites_list_raw_keys_alike(lab: Lab) -> None:
    moon, sun, _ = raw_keys(lab, "cygnet-strongswan", "spki", "ecdsa")
    bring_up(moon, sun)
    ours, theirs = (
        {line.removesuffix(", has private key") for line in end.host.ipsec("listpubkeys").splitlines()}
        for end in (moon, sun)
    )
    assert ours == theirs


@pytest.mark.parametrize("kinds", PAIRS)
def test_another_raw_key_is_refused(lab: Lab, kinds: str) -> None:
    moon, sun, holders = raw_keys(lab, kinds, "spki", "ecdsa")
    replace(sun, spki(holders["moon"]), spki(leaf(authority("ecdsa"), "stranger")))
    sun.host.start()
    moon.host.start()
    done = moon.host.run("ipsec", "up", "net-net", status=None)
    assert "establishing connection 'net-net' failed" in done.stdout
    assert sun.host.installed() == 0
    if sun.host.kind == "cygnet":
        sun.host.says("no trusted ECDSA public key found for 'moon.lab': its signature does not verify with")


@pytest.mark.parametrize("kinds", PAIRS)
@pytest.mark.parametrize("second", ["trusted", "of another CA"])
def test_machine_by_rsa_and_user_by_ecdsa(lab: Lab, kinds: str, second: str) -> None:
    """Two rounds of moon (RFC 4739), each with a certificate of its own CA."""
    moon, sun = lab.pair(kinds)
    configure(moon, sun, "rsa")
    machines, users = authority("rsa", "Machines"), authority("ecdsa", "Users")
    user = leaf(users, "carol.lab")
    secrets = credentials(moon, leaf(machines, moon.identity.removeprefix("@")))
    moon.host.write("/etc/ipsec.d/certs/user.pem", user.pem)
    moon.host.write("/etc/ipsec.d/private/user.key", user.key_pem, 0o600)
    moon.host.write("/etc/ipsec.secrets", f"{secrets}: {user.secret_type} user.key\n", 0o600)
    other = credentials(sun, leaf(machines, sun.identity.removeprefix("@")))
    sun.host.write("/etc/ipsec.secrets", other, 0o600)
    for end in (moon, sun):
        end.host.write("/etc/ipsec.d/cacerts/users.pem", users.pem)
    replace(moon, "leftauth=pubkey", "leftauth=pubkey\n    leftauth2=pubkey\n    leftcert2=user.pem")
    ca = users.subject if second == "trusted" else machines.subject
    replace(sun, "rightauth=pubkey", f'rightauth=pubkey\n    rightca="{machines.subject}"\n'
            f'    rightauth2=pubkey\n    rightid2=carol.lab\n    rightca2="{ca}"')  # fmt: skip
    replace(moon, "leftauth2=pubkey", "leftauth2=pubkey\n    leftid2=carol.lab")
    if second == "trusted":
        bring_up(moon, sun)
        assert_carries(moon, sun)
        sun.host.says("authentication of 'moon.lab' with RSA")
        sun.host.says("authentication of 'carol.lab' with ECDSA")
        assert "remote: [carol.lab] uses public key authentication" in sun.host.ipsec("statusall")
        return
    sun.host.start()
    moon.host.start()
    done = moon.host.run("ipsec", "up", "net-net", status=None)
    assert "establishing connection 'net-net' failed" in done.stdout
    assert not is_up(sun)
    if sun.host.kind == "cygnet":
        sun.host.says("constraint check failed: peer not authenticated by CA")


# NULL authentication (RFC 7619), which strongSwan lacks


def test_both_sides_are_nobody(lab: Lab) -> None:
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun)
    for end in (moon, sun):
        end.host.write("/etc/ipsec.secrets", "", 0o600)
        for line in ("leftauth=psk", "rightauth=psk"):
            replace(end, line, line.replace("psk", "null"))
        for name in ("moon", "sun"):
            replace(end, f"id=@{name}.lab", "id=%null")
    bring_up(moon, sun)
    assert_carries(moon, sun)
    for end in (moon, sun):
        status = end.host.ipsec("statusall")
        assert "local:  [%null] uses NULL authentication" in status
        assert "remote: uses NULL authentication" in status
        assert "[%null]..." in status


def test_nobody_at_a_gateway_with_a_certificate(lab: Lab) -> None:
    """moon need not say who it is; a second connection of the gateway asks for a proof, and stays closed."""
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun, "ecdsa")
    replace(moon, "leftauth=pubkey", "leftauth=null")
    replace(moon, f"leftid={moon.identity}", "leftid=%null")
    sun.host.start()
    moon.host.start()
    done = moon.host.run("ipsec", "up", "net-net", status=None)
    assert "establishing connection 'net-net' failed" in done.stdout
    sun.host.says("peer says it is nobody (ID_NULL), required is public key authentication")
    replace(sun, "rightauth=pubkey", "rightauth=null")
    sun.host.ipsec("update")
    sun.host.says("is not looked at, since 'auth=null' asks for no proof of it")
    moon.host.ipsec("up", "net-net")
    assert_carries(moon, sun)
    assert "authentication of 'sun.lab' with ECDSA" in moon.host.log()
