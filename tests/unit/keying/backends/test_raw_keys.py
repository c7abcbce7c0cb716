"""Raw public keys: loading them for whom they speak for, and listing them."""

from base64 import b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cygnet.base.identities import Identity
from cygnet.keying.backends.errors import ConfigError
from cygnet.keying.backends.raw_keys import RawKeys

KEY = ed25519.Ed25519PrivateKey.from_private_bytes(b"k" * 32).public_key()
SPKI = KEY.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
WRITTEN = f"0s{b64encode(SPKI).decode()}"
MOON = Identity.parse("moon.lab")


def test_file_is_relative_to_the_folder(tmp_path: Path) -> None:
    (tmp_path / "moon.pub").write_bytes(KEY.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH) + b" moon\n")
    log: list[str] = []
    keys = RawKeys(tmp_path, lambda group, level, text: log.append(text))
    assert keys.load("moon.pub", MOON).spki == keys.load(str(tmp_path / "moon.pub"), MOON).spki == SPKI
    assert log[0] == f"  loaded ED25519 public key for \"moon.lab\" from '{tmp_path}/moon.pub'"


@pytest.mark.parametrize("text", ["missing.pem", ".", "0x00", "ssh:0sAAAA"])
def test_what_cannot_be_loaded_is_told_with_whose_it_was_to_be(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r'loading public key for "moon\.lab".* failed: '):
        raw_keys(tmp_path).load(text, MOON)


def test_listed_once_for_each_identity_with_its_private_key(tmp_path: Path) -> None:
    keys = raw_keys(tmp_path)
    for identity in (MOON, MOON, Identity.parse("@#0102")):
        keys.load(WRITTEN, identity)
    moon, hidden = (list(one.lines(0, True)) for one in keys.documents({SPKI}))
    key_id = keys.load(WRITTEN, MOON).key_id.hex(":")
    assert moon == [
        'subject:  "moon.lab"', "pubkey:    ED25519 256 bits, has private key", f"keyid:     {key_id}",
        f"subjkey:   {keys.load(WRITTEN, MOON).subject_key_id.hex(':')}",
    ]  # fmt: skip
    assert hidden == moon[1:]
    assert list(keys.documents(())[0].lines(0, True))[1] == "pubkey:    ED25519 256 bits"


def raw_keys(folder: Path) -> RawKeys:
    return RawKeys(folder, lambda group, level, text: None)
