"""Choosing the backend."""

from pathlib import Path

import pytest

from cygnet.kernel.backends.factory import choose, open_kernel
from cygnet.kernel.backends.probe import Capabilities, probe
from cygnet.kernel.backends.userland import EspdAccess, UserlandKernel
from cygnet.kernel.backends.xfrm.kernel import XfrmKernel
from cygnet.kernel.backends.xfrm.settings import XfrmSettings
from cygnet.kernel.port import KernelError

ACCESS = EspdAccess(Path("/nonexistent/espd.sock"), "charon")
SETTINGS = XfrmSettings(Path("/nonexistent/charon.xfrm"))


def chosen(choice: str, xfrm: bool = False, tun: bool = True) -> tuple[str, list[str]]:
    lines: list[str] = []
    kind = choose(
        choice, lambda level, text: lines.append(text), lambda: Capabilities(xfrm, tun, "no algorithms")
    )
    return kind, lines


def test_auto_takes_the_kernel_s_ipsec_where_there_is_one():
    assert chosen("auto", xfrm=True) == ("xfrm", ["kernel backend xfrm chosen: the kernel has IPsec"])


def test_auto_falls_to_userland_and_says_why():
    assert chosen("auto") == ("userland", ["kernel backend userland chosen: no algorithms"])


def test_what_is_asked_for_is_given_without_words():
    assert chosen("userland") == ("userland", [])
    assert chosen("xfrm") == ("xfrm", [])


@pytest.mark.parametrize(("choice", "tun", "words"), [
    ("klips", True, "not one of"), ("auto", False, "/dev/net/tun"), ("userland", False, "/dev/net/tun"),
])  # fmt: skip
def test_what_is_not_there_is_named(choice, tun, words):
    with pytest.raises(KernelError, match=words):
        chosen(choice, tun=tun)


@pytest.mark.parametrize(("kind", "backend"), [("xfrm", XfrmKernel), ("userland", UserlandKernel)])
def test_backend_is_opened_by_name_and_not_started(kind, backend):
    kernel = open_kernel(kind, ACCESS, SETTINGS, lambda level, text: None)
    assert isinstance(kernel, backend)
    kernel.close(flush=False)


def test_backend_that_is_not_started_says_so():
    kernel = open_kernel("xfrm", ACCESS, SETTINGS, lambda level, text: None)
    with pytest.raises(KernelError, match="not been started"):
        kernel.view()


def test_probe_answers_with_a_reason_or_a_yes():
    found = probe()
    assert found.xfrm != bool(found.reason)
