"""What travels with certificates or in their place, with real daemons: hash and URL, OCSP; address blocks."""

import shutil
from hashlib import sha1

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from lab.certificates import authority, leaf, registry, resource_holder
from lab.revocation import serve_http, serve_ocsp
from lab.topology import PAIRS, Lab
from lab.tunnels import End, assert_carries, bring_up, configure, credentials, replace

pytestmark = [pytest.mark.root]
TO_US = [pair for pair in PAIRS if pair.values[0].endswith("-cygnet")]
CA = authority("ecdsa")
MOON, SUN = leaf(CA, "moon.lab"), leaf(CA, "sun.lab")
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")


def prepare(lab: Lab, kinds: str) -> tuple[End, End]:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, "ecdsa")
    return moon, sun


def authority_section(end: End, **keywords: str) -> None:
    lines = {"cacert": "ca0.pem", "auto": "add"} | keywords
    text = "".join(f"    {key}={value}\n" for key, value in lines.items())
    end.host.write("/etc/ipsec.conf", f"{end.host.read('/etc/ipsec.conf')}\nca lab\n{text}")


@pytest.mark.parametrize("kinds", PAIRS)
def test_certificate_is_fetched_from_where_the_peer_says(lab: Lab, kinds: str) -> None:
    moon, sun = prepare(lab, kinds)
    der = MOON.certificate.public_bytes(Encoding.DER)
    name = sha1(der, usedforsecurity=False).hexdigest()
    ours = moon if kinds.startswith("cygnet") else sun
    uri = serve_http(ours.host, name, der, address=ours.address)
    authority_section(moon, certuribase=uri.removesuffix(name))
    sun.host.settings("hash_and_url = yes")
    bring_up(moon, sun)
    assert f"GET /{name} HTTP/1.1" in (ours.host.folder / "log" / "http.log").read_text()
    assert_carries(moon, sun)


@needs_openssl
@pytest.mark.parametrize("kinds", TO_US)  # strongSwan asks only if swanctl.conf says so
def test_ocsp_response_of_the_peer_is_enough(lab: Lab, kinds: str) -> None:
    """Sun, which knows no responder, demands a good status; moon brings it along."""
    moon, sun = prepare(lab, kinds)
    uri = serve_ocsp(sun.host, CA, MOON)
    authority_section(moon, ocspuri=uri.replace("127.0.0.1", sun.address))
    replace(sun, "config setup\n", "config setup\n    strictcrlpolicy=yes\n")
    sun.host.settings("ocsp = request")
    bring_up(moon, sun)


@pytest.mark.parametrize("kinds", PAIRS)
def test_selectors_are_held_to_the_address_blocks_of_certificates(lab: Lab, kinds: str) -> None:
    """Moon wants more than its certificate speaks for, and gets what that does."""
    moon, sun = prepare(lab, kinds)
    root = registry("Lab Registry", "10.0.0.0/8", "192.0.2.0/24")
    for end, name, network in ((moon, "moon.lab", "10.1.0.0/25"), (sun, "sun.lab", "10.2.0.0/16")):
        secrets = credentials(end, resource_holder(root, name, network))
        end.host.write("/etc/ipsec.secrets", secrets, 0o600)
    bring_up(moon, sun)
    for end in (moon, sun):
        assert "10.1.0.0/25" in end.host.ipsec("statusall")
    assert_carries(moon, sun)
