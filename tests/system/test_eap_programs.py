"""EAP against other people's code: wpa_supplicant meets our server, and our peer FreeRADIUS.

Both speak RADIUS, which carries the packets here and tells the MSK; within IKEv2 the same conversations are
carried by IKE_AUTH.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from simulation.eap_sides import own, peer, peer_tls, root, server, server_tls, trust

from cygnet.base.secret import Secret
from cygnet.eap.methods.ttls_server import TtlsStyle
from cygnet.eap.packets import GTC, MD5, MSCHAPV2, PEAP, TLS, TTLS, EapType
from cygnet.eap.ports import UserSecret
from cygnet.eap.tls.options import TlsVersion
from lab.eap_programs import Eapol, eapol_test, write_pem
from lab.freeradius import FreeRadius
from lab.radius import ACCESS_ACCEPT, RadiusServer, Verdict, authenticate, free_port

pytestmark = pytest.mark.eap_programs

NAMES = {MD5: "MD5", GTC: "GTC", MSCHAPV2: "MSCHAPV2", TLS: "TLS", TTLS: "TTLS", PEAP: "PEAP"}
INNER = (MD5, GTC, MSCHAPV2)
WRONG = UserSecret(Secret(b"wrong"))
VERSIONS = pytest.mark.parametrize("version", TlsVersion, ids=lambda version: version.name)
TUNNELS = pytest.mark.parametrize("tunnel", [TTLS, PEAP], ids=NAMES.get)


class Supplicant:
    """eapol_test as carol, against our server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        write_pem(folder, "carol", own("carol.test"), root().certificate.der)

    def meet(
        self,
        types: list[EapType],
        method: EapType,
        version: TlsVersion = TlsVersion.TLS_1_2,
        servers: dict[str, Any] | None = None,
        **settings: str,
    ) -> tuple[Eapol, RadiusServer]:
        certificates = {
            "ca_cert": f'"{self.folder}/ca.pem"',
            "client_cert": f'"{self.folder}/carol.pem"',
            "private_key": f'"{self.folder}/carol-key.pem"',
            "phase1": f'"tls_disable_tlsv1_3={int(version == TlsVersion.TLS_1_2)}"',
        }
        wish = {
            "eap": NAMES[method],
            "identity": '"carol"',
            "password": r'P"p\xc3\xa2ss"',
            **(certificates if method in (TLS, TTLS, PEAP) else {}),
            **settings,
        }
        tls = {"version_min": version, "version_max": version, **(servers or {})}
        with RadiusServer(server(types, tls=server_tls(**tls))) as ours:
            told = eapol_test(self.folder, ours.port, wish, keys=method not in (MD5, GTC))
        assert ours.trouble is None, ours.trouble
        return told, ours


@pytest.fixture
def supplicant(tmp_path: Path) -> Supplicant:
    return Supplicant(tmp_path)


def assert_met(told: Eapol, ours: RadiusServer, keys: bool = True) -> None:
    assert told.success, (ours.last.reason, told.output[-3000:])
    assert told.keys_agree == keys
    assert ours.last.proof is not None and ours.last.proof.identity == b"carol"


@pytest.mark.parametrize("method", INNER, ids=NAMES.get)
def test_supplicant_proves_a_password(supplicant: Supplicant, method: EapType) -> None:
    assert_met(*supplicant.meet([method], method), keys=method == MSCHAPV2)


def test_supplicant_refuses_a_method_and_gets_another(supplicant: Supplicant) -> None:
    assert_met(*supplicant.meet([MD5, TLS, MSCHAPV2], MSCHAPV2))


@pytest.mark.parametrize("method", INNER, ids=NAMES.get)
def test_supplicant_with_a_wrong_password(supplicant: Supplicant, method: EapType) -> None:
    told, ours = supplicant.meet([method], method, password='"wrong"')
    assert not told.success
    assert "wrong password for 'carol'" in ours.last.reason


@VERSIONS
@pytest.mark.parametrize("fragment", [300, 1024])
def test_supplicant_proves_a_certificate(supplicant: Supplicant, version: TlsVersion, fragment: int) -> None:
    servers = {"fragment_size": fragment}
    assert_met(*supplicant.meet([TLS], TLS, version, servers, fragment_size=str(fragment)))


@VERSIONS
def test_supplicant_with_a_certificate_we_refuse(supplicant: Supplicant, version: TlsVersion) -> None:
    told, ours = supplicant.meet([TLS], TLS, version, {"verify": trust("dave.test")})
    assert not told.success
    assert "is not for 'dave.test'" in ours.last.reason
    assert "bad certificate" in told.output


@VERSIONS
def test_supplicant_that_does_not_trust_us(supplicant: Supplicant, version: TlsVersion) -> None:
    told, ours = supplicant.meet([TLS], TLS, version, {"own": own("aaa.test", age_days=(-900, -800))})
    assert not told.success
    assert ours.last.reason == "EAP-TLS: the other side refuses TLS: certificate expired"


@VERSIONS
@TUNNELS
@pytest.mark.parametrize("inner", INNER, ids=NAMES.get)
def test_supplicant_in_a_tunnel(
    supplicant: Supplicant, version: TlsVersion, tunnel: EapType, inner: EapType
) -> None:
    phase2 = f'"{"autheap" if tunnel == TTLS else "auth"}={NAMES[inner]}"'
    told, ours = supplicant.meet([tunnel], tunnel, version, phase2=phase2, anonymous_identity='"anybody"')
    assert_met(told, ours)
    assert ours.last.proof is not None and ours.last.proof.inner == str(inner)


@VERSIONS
@pytest.mark.parametrize(("inner", "name"), [("PAP", "PAP"), ("MSCHAPV2", "MS-CHAP-V2")])
def test_supplicant_in_ttls_without_eap(
    supplicant: Supplicant, version: TlsVersion, inner: str, name: str
) -> None:
    told, ours = supplicant.meet([TTLS], TTLS, version, phase2=f'"auth={inner}"')
    assert_met(told, ours)
    assert ours.last.proof is not None and ours.last.proof.inner == name


@TUNNELS
def test_supplicant_with_a_wrong_password_in_a_tunnel(supplicant: Supplicant, tunnel: EapType) -> None:
    phase2 = f'"{"autheap" if tunnel == TTLS else "auth"}=MSCHAPV2"'
    told, ours = supplicant.meet([tunnel], tunnel, phase2=phase2, password='"wrong"')
    assert not told.success
    assert "wrong password for 'carol'" in ours.last.reason


@contextmanager
def freeradius(folder: Path, version: TlsVersion, default: str = "md5") -> Iterator[FreeRadius]:
    write_pem(folder, "server", own("aaa.test"), root().certificate.der)
    made = FreeRadius(folder, free_port(), "carol", "pâss")
    with made.run(default, "mschapv2", "1.3" if version == TlsVersion.TLS_1_3 else "1.2"):
        yield made


@pytest.fixture(scope="module", params=TlsVersion, ids=lambda version: version.name)
def radius(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FreeRadius]:
    with freeradius(tmp_path_factory.mktemp("radius"), request.param) as running:
        yield running


def carol(radius: FreeRadius, method: EapType, **changes: Any) -> Verdict:
    return authenticate(radius.port, b"carol", peer([method], **changes), os.urandom)


def assert_accepted(verdict: Verdict, keys: int) -> None:
    """FreeRADIUS accepted us, we it, and both have ``keys`` octets of the same MSK."""
    assert (verdict.code, verdict.turn.reason) == (ACCESS_ACCEPT, "")
    assert verdict.turn.proof is not None
    assert len(verdict.msk) == keys
    assert verdict.turn.proof.msk.reveal()[:keys] == verdict.msk


@pytest.mark.parametrize(("method", "keys"), [(MD5, 0), (GTC, 0), (MSCHAPV2, 32), (TLS, 64)], ids=str)
def test_freeradius_accepts_us(radius: FreeRadius, method: EapType, keys: int) -> None:
    assert_accepted(carol(radius, method), keys)


@TUNNELS
@pytest.mark.parametrize("inner", INNER, ids=NAMES.get)
def test_freeradius_accepts_us_in_a_tunnel(radius: FreeRadius, tunnel: EapType, inner: EapType) -> None:
    assert_accepted(carol(radius, tunnel, inner=(inner,)), 64)


@pytest.mark.parametrize("style", [TtlsStyle.PAP, TtlsStyle.MSCHAPV2])
def test_freeradius_accepts_us_in_ttls_without_eap(radius: FreeRadius, style: TtlsStyle) -> None:
    assert_accepted(carol(radius, TTLS, ttls_style=style), 64)


def test_freeradius_takes_our_fragments(radius: FreeRadius) -> None:
    tls = peer_tls(own=own("carol.test", padding=3000), fragment_size=400, max_messages=60)
    assert_accepted(carol(radius, TLS, tls=tls), 64)


@pytest.mark.parametrize("method", [*INNER, TTLS, PEAP], ids=NAMES.get)
def test_freeradius_refuses_a_wrong_password(radius: FreeRadius, method: EapType) -> None:
    verdict = carol(radius, method, secret=WRONG)
    assert verdict.turn.proof is None
    assert "refused" in verdict.turn.reason


def test_freeradius_that_we_do_not_trust_learns_nothing(radius: FreeRadius) -> None:
    verdict = carol(radius, PEAP, tls=peer_tls(verify=trust("bbb.test")))
    assert verdict.turn.proof is None
    assert "is not for 'bbb.test'" in verdict.turn.reason


def test_freeradius_refuses_a_certificate(radius: FreeRadius) -> None:
    verdict = carol(radius, TLS, tls=peer_tls(own=own("carol.test", age_days=(-900, -800))))
    assert verdict.turn.proof is None
    # It sends no alert but ends at once.
    assert verdict.turn.reason == "the server refused our EAP-TLS"
