"""cygnet.charon.encoding.payloads.certificate_request"""

from cygnet.charon.encoding.payloads import CertificateEncoding, CertificateRequest

IDS = (b"a" * 20, b"b" * 20)


def test_key_ids_are_strung_together():
    request = CertificateRequest.of(CertificateEncoding.X509_SIGNATURE, IDS)
    assert request.build() == b"\x04" + b"".join(IDS)
    assert CertificateRequest.parse(request.build()).key_ids() == IDS


def test_incomplete_key_id_is_left_out():
    assert CertificateRequest(4, b"a" * 20 + b"b" * 19).key_ids() == (b"a" * 20,)


def test_empty_request_names_nobody():
    assert CertificateRequest.parse(b"\x04").key_ids() == ()
