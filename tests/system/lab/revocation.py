"""What a CA runs besides: CRLs on a web or directory server, and an OCSP responder, all of others' making."""

import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from lab.certificates import Holder
from lab.gateways import Gateway
from lab.hosts import until

DAY = datetime.timedelta(days=1)
SLAPD = """include /etc/core.schema
pidfile /run/slapd.pid
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
maxsize 10485760
suffix "o=Lab"
rootdn "cn=admin,o=Lab"
rootpw secret
directory /run/ldap
"""
ENTRY = """dn: o=Lab
objectClass: organization
o: Lab

dn: cn=CA,o=Lab
objectClass: cRLDistributionPoint
cn: CA
certificateRevocationList;binary:< file:///etc/ca.crl
"""


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)  # noqa: TID251


def crl(
    issuer: Holder, *revoked: Holder, age: datetime.timedelta = DAY, lifetime: datetime.timedelta = 2 * DAY
) -> bytes:
    """A CRL in DER that revokes these."""
    begin = now() - age
    builder = x509.CertificateRevocationListBuilder(issuer.certificate.subject, begin, begin + lifetime)
    for one in revoked:
        entry = x509.RevokedCertificateBuilder(one.certificate.serial_number, begin)
        entry = entry.add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), False)
        builder = builder.add_revoked_certificate(entry.build())
    key_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
    builder = builder.add_extension(key_id, False).add_extension(x509.CRLNumber(1), False)
    digest = None if issuer.kind == "ed25519" else hashes.SHA256()
    return builder.sign(issuer.key, digest).public_bytes(serialization.Encoding.DER)


def serve_http(
    host: Gateway, name: str, octets: bytes, port: int = 8080, address: str = "127.0.0.1"
) -> str:
    """Python's own web server at an address of the host; gives the URI of the file."""
    host.write(f"/etc/www/{name}", octets)
    host.spawn(
        "python3", "-m", "http.server", str(port), "--bind", address, "-d", "/etc/www", log="http.log"
    )
    until(lambda: _listens(host, port), "a web server")
    return f"http://{address}:{port}/{name}"


def serve_ldap(host: Gateway, octets: bytes) -> str:
    """OpenLDAP with the CRL in an entry; gives its URI."""
    host.write("/etc/core.schema", Path("/etc/ldap/schema/core.schema").read_bytes())
    host.write("/etc/slapd.conf", SLAPD)
    host.write("/etc/ca.crl", octets)
    host.write("/etc/ca.ldif", ENTRY)
    host.run("mkdir", "-p", "/run/ldap")
    host.run("/usr/sbin/slapadd", "-f", "/etc/slapd.conf", "-l", "/etc/ca.ldif")
    host.spawn(
        "/usr/sbin/slapd", "-d", "0", "-f", "/etc/slapd.conf", "-h", "ldap://127.0.0.1:3389", log="slapd.log"
    )
    until(lambda: _listens(host, 3389), "a directory server")
    return "ldap://127.0.0.1:3389/cn=CA,o=Lab?certificateRevocationList;binary"


def serve_ocsp(
    host: Gateway, issuer: Holder, good: Holder, revoked: Holder | None = None, port: int = 8081
) -> str:
    """OpenSSL's responder, signing with the CA's key; gives its URI."""
    later, since = (now() + 365 * DAY).strftime("%y%m%d%H%M%SZ"), (now() - DAY).strftime("%y%m%d%H%M%SZ")
    lines = [f"V\t{later}\t\t{_serial(good)}\tunknown\t/CN=good\n"]
    if revoked is not None:
        lines.append(f"R\t{later}\t{since},keyCompromise\t{_serial(revoked)}\tunknown\t/CN=revoked\n")
    host.write("/etc/ocsp/index.txt", "".join(lines))
    host.write("/etc/ocsp/ca.pem", issuer.pem)
    host.write("/etc/ocsp/ca.key", issuer.key_pem)
    host.spawn(
        "openssl", "ocsp", "-index", "/etc/ocsp/index.txt", "-port", str(port),
        "-rsigner", "/etc/ocsp/ca.pem", "-rkey", "/etc/ocsp/ca.key", "-CA", "/etc/ocsp/ca.pem",
        "-nmin", "60", log="ocsp.log",
    )  # fmt: skip
    until(lambda: _listens(host, port), "an OCSP responder")
    return f"http://127.0.0.1:{port}/"


def _serial(holder: Holder) -> str:
    """As OpenSSL's index has it: an even number of hexadecimal digits."""
    number = f"{holder.certificate.serial_number:X}"
    return number if len(number) % 2 == 0 else "0" + number


def _listens(host: Gateway, port: int) -> bool:
    return f":{port} " in host.net("ss", "-Hltn").stdout
