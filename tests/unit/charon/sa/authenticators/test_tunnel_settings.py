"""What the settings mean for one method over TLS."""

from dataclasses import replace

import pytest

from cygnet.charon.sa.authenticators.tunnel_settings import of
from cygnet.eap.catalogue import INNER
from cygnet.eap.methods.ttls_server import TtlsStyle
from cygnet.eap.packets import GTC, MD5, PEAP, TLS, TTLS, EapType
from cygnet.eap.server import MAX_REQUESTS
from cygnet.eap.tls.options import VERSIONS, TlsOptions
from cygnet.keying.config.settings import DaemonSettings

DEFAULTS = DaemonSettings()


@pytest.mark.parametrize(("kind", "length"), [(TLS, True), (TTLS, True), (PEAP, False)])
def test_defaults_are_strongswans_but_for_the_method_inside(kind: EapType, length: bool) -> None:
    found = of(DEFAULTS, kind)
    assert (found.fragment_size, found.max_messages, found.include_length) == (1024, 32, length)
    assert (found.inner, found.styles) == (INNER, frozenset(TtlsStyle))
    assert not (found.piggyback or found.peer_auth or found.unfit)


def test_frames_are_of_the_method() -> None:
    changes = {"eap_tls_fragment_size": 500, "eap_ttls_max_messages": 0, "eap_peap_include_length": True}
    settings = replace(DEFAULTS, **changes)
    framed = {kind: of(settings, kind).framed(TlsOptions(None)) for kind in (TLS, TTLS, PEAP)}
    assert [one.fragment_size for one in framed.values()] == [500, 1024, 1024]
    assert [one.max_messages for one in framed.values()] == [32, MAX_REQUESTS, 32]
    assert [one.include_length for one in framed.values()] == [True, True, True]


def test_method_inside() -> None:
    settings = replace(DEFAULTS, eap_ttls_method="md5", eap_peap_method="eap-gtc")
    assert of(settings, TTLS).inner == (MD5,)
    assert of(settings, TTLS).styles == {TtlsStyle.EAP}
    assert of(settings, PEAP).inner == (GTC,)
    assert of(replace(DEFAULTS, eap_peap_method="tls"), PEAP).inner == INNER


def test_tnc_takes_the_method_out() -> None:
    assert of(replace(DEFAULTS, eap_ttls_tnc=True), TTLS).unfit
    assert of(replace(DEFAULTS, eap_peap_tnc=True), PEAP).unfit


def test_versions_of_tls() -> None:
    options = TlsOptions(None)
    only = replace(DEFAULTS, tls_version_min="1.3", tls_version_max="1.2")
    for settings, low, high in (
        (DEFAULTS, "1.2", "1.3"), (only, "1.3", "1.3"),
        (replace(DEFAULTS, tls_version_max="1.2"), "1.2", "1.2"),
        (replace(DEFAULTS, tls_version_min="1.0"), "1.2", "1.3"),
    ):  # fmt: skip
        for kind in (TLS, TTLS, PEAP):
            framed = of(settings, kind).framed(options)
            assert (framed.version_min, framed.version_max) == (VERSIONS[low], VERSIONS[high])
    assert not of(replace(DEFAULTS, eap_ttls_tnc=True), PEAP).unfit
