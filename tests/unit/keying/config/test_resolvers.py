"""Encrypted resolvers in words."""

from ipaddress import ip_address

from cygnet.keying.config.resolvers import Digest, EncryptedResolver

FOUR, SIX = ip_address("10.2.0.53"), ip_address("fd02::53")


def test_words_are_those_of_the_keyword() -> None:
    plain = EncryptedResolver("dns.example", (FOUR, SIX))
    assert str(plain) == "dns.example 10.2.0.53 fd02::53 alpn=dot priority=1"
    digest = Digest(2, bytes(32))
    full = EncryptedResolver("dns.example", (FOUR,), ("h2", "h3"), 8443, "/q{?dns}", 2, (digest,))
    assert str(full) == (
        f"dns.example 10.2.0.53 alpn=h2+h3 port=8443 dohpath=/q{{?dns}} priority=2 digest=sha256:{'A' * 43}="
    )


def test_what_is_not_told_is_not_shown() -> None:
    assert str(EncryptedResolver("", (FOUR,), ())) == "10.2.0.53 priority=1"
    assert str(Digest(99, b"")) == "99:"


def test_only_dot_is_dns_over_tls() -> None:
    assert EncryptedResolver("a", (FOUR,), ("h2", "dot")).speaks_tls
    assert not EncryptedResolver("a", (FOUR,), ("h2", "doq")).speaks_tls
