"""What ``rightencdns`` may say, and what it may not."""

from base64 import b64encode
from ipaddress import ip_address

import pytest

from cygnet.keying.backends.errors import ConfigError
from cygnet.keying.backends.resolver_texts import resolvers
from cygnet.keying.config.resolvers import Digest, EncryptedResolver

FOUR, OTHER, SIX = map(ip_address, ("10.2.0.53", "10.2.0.54", "fd02::53"))
DIGEST = bytes(range(32))
BASE64 = b64encode(DIGEST).decode()


@pytest.mark.parametrize(("text", "found"), [
    ("", ()),
    ("DNS.Example. 10.2.0.53", (EncryptedResolver("dns.example", (FOUR,)),)),
    ("dns.example 10.2.0.53 fd02::53 alpn=dot+doq port=8853", (
        EncryptedResolver("dns.example", (FOUR, SIX), ("dot", "doq"), 8853),
    )),
    (f"a.example 10.2.0.53, b.example 10.2.0.54 alpn=h2 dohpath=/q{{?dns}} digest=sha256:{BASE64}", (
        EncryptedResolver("a.example", (FOUR,)),
        EncryptedResolver("b.example", (OTHER,), ("h2",), 0, "/q{?dns}", 2, (Digest(2, DIGEST),)),
    )),
    (f"a.example 10.2.0.53 priority=7 digest=sha256:{DIGEST.hex()}", (
        EncryptedResolver("a.example", (FOUR,), priority=7, digests=(Digest(2, DIGEST),)),
    )),
])  # fmt: skip
def test_resolvers_as_written(text: str, found: tuple[EncryptedResolver, ...]) -> None:
    assert resolvers(text, "rightencdns") == found
    assert resolvers(", ".join(map(str, found)), "rightencdns") == found


@pytest.mark.parametrize(("text", "reason"), [
    ("10.2.0.53", "'10.2.0.53' is no domain name; write NAME ADDRESS"),
    ("a_b! 10.2.0.53", "is no domain name"),
    ("a.example", "'a.example' has 0 addresses; 1 to 8 are possible"),
    ("a.example 10.2.0", "10.2.0"),
    ("a.example " + " ".join(f"10.2.0.{last}" for last in range(9)), "has 9 addresses"),
    ("a.example 10.2.0.53 proto=dot", "'proto' is none of alpn, port, dohpath, digest, priority"),
    ("a.example 10.2.0.53 port=0", "port=0 is not a number from 1 to 65535"),
    ("a.example 10.2.0.53 port=x", "port=x is not a number"),
    ("a.example 10.2.0.53 priority=65536", "priority=65536 is not a number"),
    ("a.example 10.2.0.53 alpn=", "alpn= needs a value"),
    ("a.example 10.2.0.53 alpn=dot+", "is not like dot or h2+h3"),
    ("a.example 10.2.0.53 alpn=h2", "needs a dohpath= like /dns-query{?dns}"),
    ("a.example 10.2.0.53 dohpath=dns", "is not like /dns-query{?dns}"),
    ("a.example 10.2.0.53 digest=md5:00", "'md5' is none of sha256, sha384, sha512"),
    ("a.example 10.2.0.53 digest=sha256:00", "sha256 has 32 octets"),
    ("a.example 10.2.0.53 digest=sha256:!", "sha256 has 32 octets"),
    (", ".join(f"d{number}.example 10.2.0.53" for number in range(9)), "names 9 resolvers, more than 8"),
])  # fmt: skip
def test_mistakes_are_told(text: str, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolvers(text, "rightencdns")
    assert reason in str(caught.value)
