"""Real files as the parsers of cygnet.conf see them."""

import pytest

from cygnet.runtime.files import FileReader


def test_octets_that_are_no_text_survive(tmp_path):
    (tmp_path / "x").write_bytes(b"a\xffb")
    assert FileReader().read(str(tmp_path / "x")).encode("utf-8", "surrogateescape") == b"a\xffb"


def test_missing_file_and_folder_raise_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        FileReader().read(str(tmp_path / "x"))
    with pytest.raises(OSError, match="directory"):
        FileReader().read(str(tmp_path))


def test_patterns_are_relative_to_the_including_file_and_sorted(tmp_path):
    for name in ("b.conf", "a.conf", "c.txt"):
        (tmp_path / name).touch()
    main = str(tmp_path / "main.conf")
    assert FileReader().glob("*.conf", main) == [str(tmp_path / "a.conf"), str(tmp_path / "b.conf")]
    assert FileReader().glob("[ab].c*", main) == [str(tmp_path / "a.conf"), str(tmp_path / "b.conf")]
    assert FileReader().glob("nosuch.conf", main) == [str(tmp_path / "nosuch.conf")]
    assert FileReader().glob("/abs/*.conf", main) == []


@pytest.mark.parametrize("pattern", ["[", "*\0", "**", "a[", "[!"])
def test_odd_patterns_match_nothing_or_something_but_never_raise(tmp_path, pattern):
    FileReader().glob(pattern, str(tmp_path / "main.conf"))
