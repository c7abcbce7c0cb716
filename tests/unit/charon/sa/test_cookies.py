"""Cookies against floods."""

import random

from cygnet.base.addresses import Host
from cygnet.charon.sa.cookies import SECRET_LIFETIME_S, SECRET_USES, Cookies

ADDRESS, OTHER = Host.of("192.0.2.1").address, Host.of("192.0.2.9").address


def some_cookies() -> Cookies:
    return Cookies(random.Random(3).randbytes)


def test_cookie_is_good_for_who_it_was_made_for() -> None:
    cookies = some_cookies()
    cookie = cookies.make(b"nonce", ADDRESS, b"12345678", 0.0)
    assert cookies.check(cookie, b"nonce", ADDRESS, b"12345678", 1.0)
    assert not cookies.check(cookie, b"other", ADDRESS, b"12345678", 1.0)
    assert not cookies.check(cookie, b"nonce", OTHER, b"12345678", 1.0)
    assert not cookies.check(cookie, b"nonce", ADDRESS, b"87654321", 1.0)
    assert not cookies.check(b"", b"nonce", ADDRESS, b"12345678", 1.0)


def test_cookie_of_the_secret_before_is_good_and_older_ones_are_not() -> None:
    cookies = some_cookies()
    cookie = cookies.make(b"nonce", ADDRESS, b"12345678", 0.0)
    assert cookies.check(cookie, b"nonce", ADDRESS, b"12345678", SECRET_LIFETIME_S)
    assert not cookies.check(cookie, b"nonce", ADDRESS, b"12345678", 2 * SECRET_LIFETIME_S)


def test_secret_is_replaced_after_many_uses() -> None:
    cookies = some_cookies()
    first = cookies.make(b"nonce", ADDRESS, b"12345678", 0.0)
    for _ in range(SECRET_USES):
        cookies.make(b"nonce", ADDRESS, b"12345678", 0.0)
    assert cookies.make(b"nonce", ADDRESS, b"12345678", 0.0) != first
    assert cookies.check(first, b"nonce", ADDRESS, b"12345678", 0.0)


def test_long_pause_leaves_no_old_secret() -> None:
    cookies = some_cookies()
    cookie = cookies.make(b"nonce", ADDRESS, b"12345678", 0.0)
    assert not cookies.check(cookie, b"nonce", ADDRESS, b"12345678", 1000.0)
