"""Name constraints for every kind of general name (RFC 5280, 4.2.1.10)."""

from ipaddress import ip_address, ip_network

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from cygnet.cert.name_constraints import NameConstraints, constrained_names, text_of

OID = x509.ObjectIdentifier("1.2.3")


def name(**attributes: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(getattr(NameOID, key), text) for key, text in attributes.items()])


DNS, MAIL, URI, DN = x509.DNSName, x509.RFC822Name, x509.UniformResourceIdentifier, x509.DirectoryName
WITHIN = [
    (DNS("lab"), DNS("lab"), True), (DNS("a.LAB"), DNS("lab"), True), (DNS("xlab"), DNS("lab"), False),
    (DNS("a.lab"), DNS(".lab"), True), (DNS("other"), DNS(""), True),
    (MAIL("a@lab"), MAIL("a@lab"), True), (MAIL("A@lab"), MAIL("a@lab"), False),
    (MAIL("a@LAB"), MAIL("lab"), True), (MAIL("a@x.lab"), MAIL("lab"), False),
    (MAIL("a@x.lab"), MAIL(".lab"), True), (MAIL("a@lab"), MAIL(".lab"), False),
    (URI("http://h.lab/x"), URI("h.lab"), True), (URI("http://h.lab:8/x"), URI(".lab"), True),
    (URI("http://lab/"), URI(".lab"), False), (URI("http://10.0.0.1/"), URI("lab"), False),
    (URI("http://[::1/"), URI("lab"), False), (URI("urn:x"), URI("lab"), False),
    (x509.IPAddress(ip_address("10.1.2.3")), x509.IPAddress(ip_network("10.0.0.0/8")), True),
    (x509.IPAddress(ip_address("11.1.2.3")), x509.IPAddress(ip_network("10.0.0.0/8")), False),
    (x509.IPAddress(ip_address("::1")), x509.IPAddress(ip_network("10.0.0.0/8")), False),
    (DN(name(COUNTRY_NAME="CH", COMMON_NAME="x")), DN(name(COUNTRY_NAME="CH")), True),
    (DN(name(COUNTRY_NAME="DE")), DN(name(COUNTRY_NAME="CH")), False),
    (DN(name(COMMON_NAME="A  b")), DN(name(COMMON_NAME="a B")), True),
]  # fmt: skip


@pytest.mark.parametrize(("one", "base", "within"), WITHIN)
def test_name_lies_within_a_subtree(one: x509.GeneralName, base: x509.GeneralName, within: bool) -> None:
    assert (NameConstraints(permitted=(base,)).offender([one]) is None) is within
    assert (NameConstraints(excluded=(base,)).offender([one]) is not None) is within


@pytest.mark.parametrize(
    "one", [x509.RegisteredID(OID), x509.OtherName(OID, b"\5\0")], ids=["registeredID", "otherName"]
)
def test_kind_without_a_meaning_is_not_permitted_where_it_is_constrained(one: x509.GeneralName) -> None:
    assert NameConstraints(permitted=(one,)).offender([one]) == one
    assert NameConstraints(excluded=(one,)).offender([one]) == one
    assert NameConstraints(permitted=(DNS("lab"),)).offender([one]) is None


def test_other_kinds_are_not_limited() -> None:
    assert NameConstraints(permitted=(DNS("lab"),)).offender([MAIL("a@b")]) is None


def test_mail_address_in_the_subject_counts_where_there_is_no_other() -> None:
    subject = name(COMMON_NAME="x", EMAIL_ADDRESS="a@evil.lab")
    constraints = NameConstraints(excluded=(MAIL("evil.lab"),))
    assert constraints.offender(constrained_names(subject, ())) == MAIL("a@evil.lab")
    assert constraints.offender(constrained_names(subject, (MAIL("a@good.lab"),))) is None


@pytest.mark.parametrize("mail", ["ü@evil.lab", "no address", ""])
def test_mail_address_that_is_none_is_not_permitted(mail: str) -> None:
    if not mail:
        assert list(constrained_names(x509.Name([]), ())) == []
        return
    subject = name(EMAIL_ADDRESS=mail)
    assert NameConstraints(permitted=(MAIL("good.lab"),)).offender(constrained_names(subject, ())) is not None


def test_names_are_shown_to_people() -> None:
    shown = [text_of(one) for one in (DNS("a"), x509.RegisteredID(OID), x509.OtherName(OID, b"\5\0"))]
    assert shown == ["a", "1.2.3", "otherName 1.2.3"]


def test_number_of_comparisons_is_limited() -> None:
    constraints = NameConstraints(permitted=tuple(DNS(f"{number}.lab") for number in range(100)))
    names = [DNS("x.lab")] * 101
    assert constraints.too_many(names)
    assert not constraints.too_many(names[1:])
