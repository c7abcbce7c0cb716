"""Keys saved for Wireshark: tshark reads with them what was on the wire, IKE and ESP."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lab.hosts import until
from lab.topology import Lab
from lab.tunnels import End, bring_up, configure

pytestmark = [pytest.mark.root, pytest.mark.tun, pytest.mark.tshark]

SAVE = "plugins {{ save-keys {{ load = yes\n wireshark_keys = {folder}\n ike = yes\n esp = yes }} }}"
PATTERN = "5a" * 16
"""What pings carry."""
CHECKED = ("-o", "esp.enable_encryption_decode:TRUE", "-o", "esp.enable_authentication_check:TRUE")

SUITES = [
    ("aes256-sha256-x25519!", "aes256-sha256!"),
    ("aes128gcm16-prfsha256-x25519!", "aes128gcm16!"),
    ("aes128-sha1-modp2048!", "aes192-sha512!"),
    ("aes256ctr-sha384-ecp256!", "aes128gcm12!"),
    ("3des-sha512-x25519!", "3des-sha1!"),
]


@pytest.mark.parametrize(("ike", "esp"), SUITES, ids=[ike for ike, _ in SUITES])
def test_tshark_decrypts_ike_auth_and_esp(lab: Lab, ike: str, esp: str) -> None:
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun, ike=ike, esp=esp)
    capture, keys = record(moon, sun)
    messages = dissect(capture, keys, "isakmp.exchangetype == 35")
    assert len(messages) == 2, messages
    for identity, message in zip(("moon.lab", "sun.lab"), messages, strict=True):
        assert identity in json.dumps(message["isakmp"]), message
    assert_pings_are_readable(capture, keys)


def test_tshark_decrypts_main_mode_and_quick_mode(lab: Lab) -> None:
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun, keyexchange="ikev1", ike="aes128-sha256-modp2048!", esp="aes128-sha256!")
    capture, keys = record(moon, sun)
    main = json.dumps(dissect(capture, keys, "isakmp.exchangetype == 2 && isakmp.flag_e == 1"))
    assert "moon.lab" in main
    assert "sun.lab" in main
    quick = json.dumps(dissect(capture, keys, "isakmp.exchangetype == 32"))
    assert "10.1.0.0" in quick
    assert_pings_are_readable(capture, keys)


def record(moon: End, sun: End) -> tuple[Path, Path]:
    """A capture of how the tunnel comes up and carries pings, and the folder with moon's saved keys."""
    keys = moon.host.file("/etc/keys")
    keys.mkdir()
    moon.host.settings(SAVE.format(folder="/etc/keys"))
    capture = sun.host.file("/var/log/wire.pcap")
    sun.host.spawn("tcpdump", "-U", "-n", "-i", "eth0", "-w", "/var/log/wire.pcap", log="tcpdump")
    until(lambda: capture.exists() and capture.stat().st_size > 0, "tcpdump records")
    bring_up(moon, sun)
    moon.host.net("ping", "-c", "3", "-i", "0.1", "-p", "5a", "-I", moon.inside, sun.inside)
    for file in keys.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600
    moon.host.says("WARNING: IKE and ESP keys are saved in /etc/keys")
    until(lambda: len(dissect(capture, keys, "icmp")) >= 6, "the capture has all pings", 5)
    return capture, keys


def assert_pings_are_readable(capture: Path, keys: Path) -> None:
    """Both directions decrypt, and nothing that Wireshark checks is wrong."""
    pings = dissect(capture, keys, "icmp")
    assert len(pings) == 6
    for one in pings:
        assert PATTERN in json.dumps(one["icmp"]).replace(":", "")
        assert one["esp"]["esp.icv_tree"]["esp.icv_good"] == "1", one["esp"]


def dissect(capture: Path, keys: Path, what: str) -> list[dict[str, Any]]:
    """The layers of the packets that the display filter ``what`` takes, as tshark prints them."""
    done = subprocess.run(
        ["tshark", "-n", "-r", str(capture), *CHECKED, "-Y", what, "-T", "json", "--no-duplicate-keys"],
        env={**os.environ, "WIRESHARK_CONFIG_DIR": str(keys)}, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert "rror" not in done.stderr, done.stderr
    return [one["_source"]["layers"] for one in json.loads(done.stdout or "[]")]
