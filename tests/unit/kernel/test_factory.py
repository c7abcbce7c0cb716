"""Choosing the backend."""

from pathlib import Path

import pytest

from cygnet.kernel.backends.factory import open_kernel
from cygnet.kernel.backends.probe import Capabilities, probe
from cygnet.kernel.backends.userland import EspdAccess, UserlandKernel
from cygnet.kernel.port import KernelError

ACCESS = EspdAccess(Path("/nonexistent/espd.sock"), "charon")


def choose(choice: str, xfrm: bool = False, tun: bool = True):
    lines: list[str] = []
    kernel = open_kernel(choice, ACCESS, lambda level, text: lines.append(text),
                         lambda: Capabilities(xfrm, tun, "no algorithms"))
    kernel.close(flush=False)
    return kernel, lines


def test_auto_falls_to_userland_and_says_why():
    kernel, lines = choose("auto")
    assert isinstance(kernel, UserlandKernel)
    assert lines == ["kernel backend userland chosen: no algorithms"]
    _, lines = choose("auto", xfrm=True)
    assert lines == ["kernel backend userland chosen: this version has no XFRM backend"]


def test_asked_for_userland_is_given_without_words():
    assert choose("userland")[1] == []


@pytest.mark.parametrize(("choice", "tun", "words"), [
    ("xfrm", True, "no XFRM backend"), ("klips", True, "not one of"), ("auto", False, "/dev/net/tun"),
])
def test_what_is_not_there_is_named(choice, tun, words):
    with pytest.raises(KernelError, match=words):
        choose(choice, tun=tun)


def test_probe_answers_with_a_reason_or_a_yes():
    found = probe()
    assert found.xfrm != bool(found.reason)
