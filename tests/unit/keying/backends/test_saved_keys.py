"""Keys in Wireshark's files: when they are saved, and into what."""

import os
from ipaddress import ip_address
from pathlib import Path

import pytest

from cygnet.base.secret import Secret
from cygnet.crypto.key_log import EspSecrets
from cygnet.crypto.transforms import Transform
from cygnet.kernel.port import IpProtocol, SaId
from cygnet.keying.backends import saved_keys as module
from cygnet.keying.backends.saved_keys import ESP_FILE, IKEV1_FILE, append_private, saved_keys
from cygnet.keying.config.settings import DaemonSettings

ROW = "0101010101010101,abcd\n"


def settings(folder: Path, *, load: bool = True, ike: bool = True) -> DaemonSettings:
    return DaemonSettings(save_keys_load=load, save_keys_ike=ike, save_keys_folder=str(folder))


def save(folder: Path, options: DaemonSettings, times: int = 1) -> list[str]:
    lines: list[str] = []
    log = saved_keys(options, lambda level, text: lines.append(f"{level} {text}"))
    for _ in range(times):
        if log is not None:
            log.ikev1(b"\1" * 8, Secret(b"\xab\xcd"))
    return lines


def test_nothing_is_saved_unless_loaded(tmp_path: Path) -> None:
    assert saved_keys(DaemonSettings(), lambda level, text: None) is None
    assert not save(tmp_path, settings(tmp_path, load=False))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ike", [True, False])
def test_without_a_folder_or_a_kind_nothing_is_saved_and_the_log_says_why(tmp_path: Path, ike: bool) -> None:
    folder = "" if ike else str(tmp_path)
    options = DaemonSettings(save_keys_load=True, save_keys_ike=ike, save_keys_folder=folder)
    (line,) = save(tmp_path, options)
    assert "wireshark_keys" in line
    assert not list(tmp_path.iterdir())


def test_rows_are_appended_to_a_file_of_ours_alone_after_a_loud_warning(tmp_path: Path) -> None:
    lines = save(tmp_path, settings(tmp_path), times=2)
    file = tmp_path / IKEV1_FILE
    assert file.read_text() == ROW * 2
    assert file.stat().st_mode & 0o777 == 0o600
    assert lines[0].startswith("0 ")
    assert "WARNING" in lines[0]
    assert str(tmp_path) in lines[0]
    assert not any("abcd" in line for line in lines)


def test_a_kind_that_is_off_is_not_saved(tmp_path: Path) -> None:
    options = DaemonSettings(save_keys_load=True, save_keys_esp=True, save_keys_folder=str(tmp_path))
    save(tmp_path, options)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_written_is_told_once(tmp_path: Path) -> None:
    lines = save(tmp_path, settings(tmp_path / "missing"), times=3)
    assert len([line for line in lines if "not saved" in line]) == 1


def _readable(file: Path) -> None:
    file.touch(0o644)
    file.chmod(0o644)


def _link(file: Path) -> None:
    file.symlink_to("elsewhere")


def _second_name(file: Path) -> None:
    file.touch(0o600)
    os.link(file, file.with_name("other"))


@pytest.mark.parametrize("make", [_readable, _link, _second_name, os.mkfifo], ids=lambda make: make.__name__)
def test_files_that_others_may_read_are_refused(tmp_path: Path, make: object) -> None:
    file = tmp_path / "keys"
    assert callable(make)
    make(file)
    with pytest.raises(OSError, match=r".*"):
        append_private(file, b"secret")
    assert not (tmp_path / "elsewhere").exists()
    assert not file.is_file() or not file.read_bytes()


def test_a_full_file_takes_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_OCTETS", 8)
    append_private(tmp_path / "keys", b"12345678")
    with pytest.raises(OSError, match="the most"):
        append_private(tmp_path / "keys", b"9")


def test_cipher_that_wireshark_has_no_name_for_is_told_once_and_not_saved(tmp_path: Path) -> None:
    lines: list[str] = []
    options = DaemonSettings(save_keys_load=True, save_keys_esp=True, save_keys_folder=str(tmp_path))
    log = saved_keys(options, lambda level, text: lines.append(text))
    assert log is not None
    ends = ip_address("192.0.2.1"), ip_address("192.0.2.2")
    for spi in (1, 2):
        log.esp(EspSecrets(*ends, spi, Transform(1, 28), None, Secret(b"k" * 36), Secret(b"")))
    assert not list(tmp_path.iterdir())
    assert len([line for line in lines if "CHACHA20_POLY1305" in line]) == 1


def test_sa_that_moves_has_a_row_for_each_pair_of_hosts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_ROWS", 1)
    options = DaemonSettings(save_keys_load=True, save_keys_esp=True, save_keys_folder=str(tmp_path))
    log = saved_keys(options, lambda level, text: None)
    assert log is not None
    one, two, three = (ip_address(f"192.0.2.{number}") for number in (1, 2, 3))
    for spi in (1, 2):
        log.esp(EspSecrets(one, two, spi, Transform(1, 20, 128), None, Secret(b"k" * 20), Secret(b"")))
    for spi in (1, 2):  # the first is not remembered any more
        log.esp_moved(SaId(one, two, IpProtocol.ESP, spi), SaId(three, two, IpProtocol.ESP, spi))
    rows = [row.split(",")[:4] for row in (tmp_path / ESP_FILE).read_text().splitlines()]
    told = (one, 1), (one, 2), (three, 2)
    assert rows == [['"IPv4"', f'"{source}"', '"192.0.2.2"', f'"0x{spi:08x}"'] for source, spi in told]
