"""Attribute certificates: written, read, checked, and every fault by its sentence."""

from base64 import encodebytes
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulation.pki import DAY, NOW, Party, Wish, issue, leaf_of

from cygnet.cert import attribute_certificates as ac
from cygnet.cert import der
from cygnet.cert.attribute_certificates import AttributeCertificate, Fields, holder_of, verify
from cygnet.cert.errors import MalformedCertificateError
from cygnet.crypto.signatures import PrivateKey, schemes_for

AA = issue("AA")
HOLDER = leaf_of(issue("CA"))
MOMENT = NOW.timestamp()


def fields(holder: Party = HOLDER, **changes: object) -> Fields:
    issuer, serial, name = holder_of(holder.certificate)
    plain = Fields(
        issuer, serial, name, AA.certificate.subject, 77, MOMENT - 60, MOMENT + 60,
        ("sales", "1.2.3", "grün"), AA.certificate.subject_key_id,
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]


def made(wanted: Fields | None = None, signer: Party = AA) -> AttributeCertificate:
    key = PrivateKey(signer.key)
    scheme = next(one for one in schemes_for(key.kind, key.bits, frozenset({5})) if one.identifier)
    return ac.build(wanted or fields(), key, scheme)


def failed(one: AttributeCertificate, holder: Party = HOLDER, *authorities: Party) -> list[str]:
    trusted = [party.certificate for party in authorities or (AA,)]
    return [check.text for check in verify(one, holder.certificate, trusted, MOMENT) if not check.ok]


def test_what_is_written_is_read() -> None:
    one = made()
    assert AttributeCertificate.parse(one.der) == one
    pem = b"-----BEGIN ATTRIBUTE CERTIFICATE-----\n" + encodebytes(one.der)
    assert AttributeCertificate.parse(pem + b"-----END ATTRIBUTE CERTIFICATE-----\n") == one


def test_good_one_passes_all_checks_and_gives_its_groups() -> None:
    one = made()
    assert failed(one) == []
    groups = ac.groups_of(HOLDER.certificate, [one], [AA.certificate], MOMENT)
    assert groups == ("sales", "1.2.3", "grün")


FAULTS = {
    "expired": (lambda: made(fields(not_before=0, not_after=MOMENT - 86400)), "expired 24 hours ago"),
    "not yet valid": (lambda: made(fields(not_before=MOMENT + 90)), "is not valid yet, only in 90 seconds"),
    "another holder": (lambda: made(fields(leaf_of(None))), 'not for the holder of "CN=leaf"'),
    "another serial": (lambda: made(fields(holder_serial=5)), 'not for the holder of "CN=leaf"'),
    "unknown issuer": (
        lambda: made(fields(issuer=HOLDER.certificate.subject)),
        'no trusted certificate of the attribute authority "CN=leaf" found',
    ),
    "another key": (lambda: made(fields(authority_key_id=b"x")), "is signed by another key than that of"),
    "forged": (lambda: made(fields(authority_key_id=b""), issue("AA")), "has a bad signature"),
}


@pytest.mark.parametrize(("make", "words"), FAULTS.values(), ids=FAULTS.keys())
def test_fault_is_told(make, words: str) -> None:
    (text,) = failed(make())
    assert words in text


def test_expired_authority_is_told() -> None:
    old = issue("AA", None, Wish(key=AA.key, begin=-2 * DAY, end=-DAY))
    assert any("expired" in text for text in failed(made(), HOLDER, old))


def test_authority_whose_key_may_not_sign_is_told() -> None:
    usage = (False, False, True, False, False, False, False, False, False)
    wrong = issue("AA", None, Wish(key=AA.key, ca=False, usage=usage))
    assert any("lacks digitalSignature" in text for text in failed(made(), HOLDER, wrong))


def test_name_alone_binds_to_the_subject() -> None:
    one = made(fields(holder_issuer=None, holder_serial=0))
    assert failed(AttributeCertificate.parse(one.der)) == []


def test_unknown_critical_extension_is_told() -> None:
    one = made()
    info = der.read(one.signed).children()
    extension = der.sequence(
        der.identifier("2.5.29.55"), b"\1\1\xff", der.encode(der.OCTET_STRING, der.sequence())
    )
    signed = der.sequence(*(part.raw for part in info[:-1]), der.sequence(extension))
    octets = der.sequence(signed, one.algorithm, der.bit_string(AA.key.sign(signed)))
    assert any("2.5.29.55" in text for text in failed(AttributeCertificate.parse(octets)))


@pytest.mark.parametrize(
    "octets",
    [b"", b"\x30\0", b"nothing", made().der[:-1], made().der + b"\0", bytes(70000), HOLDER.certificate.der,
     b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
     b"-----BEGIN ATTRIBUTE CERTIFICATE-----\n!!\n-----END ATTRIBUTE CERTIFICATE-----\n"],
    ids=range(9),
)  # fmt: skip
def test_octets_that_are_none_are_refused(octets: bytes) -> None:
    with pytest.raises(MalformedCertificateError):
        AttributeCertificate.parse(octets)


@given(st.integers(0, len(made().der) - 1), st.integers(0, 255))
def test_changed_octet_is_refused_or_breaks_the_signature(place: int, octet: int) -> None:
    changed = bytearray(made().der)
    before, changed[place] = changed[place], octet
    try:
        one = AttributeCertificate.parse(bytes(changed))
    except MalformedCertificateError:
        return
    assert before == octet or not one.is_signed_by(AA.certificate.public_key)
