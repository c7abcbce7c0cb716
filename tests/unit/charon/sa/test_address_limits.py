"""Selectors within the address blocks of a certificate (RFC 3779)."""

from types import SimpleNamespace

import pytest
from simulation.authority import Issuer

from cygnet.base.selectors import TrafficSelector
from cygnet.charon.encoding.errors import TsUnacceptableError
from cygnet.charon.sa.address_limits import permitted

REGISTRY = Issuer("Registry", addresses=("0.0.0.0/0", "2001:db8::/32"))


def ts(*texts: str) -> tuple[TrafficSelector, ...]:
    return tuple(map(TrafficSelector.of, texts))


def peer(*addresses: str) -> SimpleNamespace:
    """An IKE_SA whose peer has a certificate for these addresses."""
    return SimpleNamespace(peer_chains=(chain(*addresses),), log=lambda *words: None)


def chain(*addresses: str) -> tuple[bytes, ...]:
    own = (REGISTRY if addresses else Issuer()).issue("peer.test", addresses=addresses).certificate
    assert own is not None
    return own.der, REGISTRY.certificate.der


@pytest.mark.parametrize(
    ("addresses", "wanted", "left"),
    [
        ((), ts("10.1.0.0/16"), ts("10.1.0.0/16")),
        (("10.0.0.0/8",), ts("10.1.0.0/16"), ts("10.1.0.0/16")),
        (("10.1.2.0/24",), ts("10.1.0.0/16", "10.3.0.0/16"), ts("10.1.2.0/24")),
        (("10.1.2.0/24", "2001:db8:1::/48"), ts("10.1.0.0/16", "::/0"), ts("10.1.2.0/24", "2001:db8:1::/48")),
        (("10.1.2.1-10.1.2.3",), (TrafficSelector.of("10.1.2.3", 6, (80, 80)),),
         (TrafficSelector.of("10.1.2.3", 6, (80, 80)),)),
    ],
)  # fmt: skip
def test_what_lies_within_is_left(
    addresses: tuple[str, ...], wanted: tuple[TrafficSelector, ...], left: tuple[TrafficSelector, ...]
) -> None:
    assert permitted(peer(*addresses), wanted) == left  # type: ignore[arg-type]


def test_nothing_left_is_refused_with_both() -> None:
    with pytest.raises(TsUnacceptableError, match=r"10\.1\.0\.0/16.*address blocks.*: 10\.9\.0\.0/16"):
        permitted(peer("10.9.0.0/16"), ts("10.1.0.0/16"))  # type: ignore[arg-type]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_each_round_of_certificates_limits_by_itself(order: tuple[int, int]) -> None:
    chains = (chain("10.0.0.0/8"), chain("10.1.0.0/16", "192.0.2.0/24"))
    sa = SimpleNamespace(peer_chains=tuple(chains[one] for one in order), log=lambda *words: None)
    assert permitted(sa, ts("0.0.0.0/0")) == ts("10.1.0.0/16")  # type: ignore[arg-type]


def test_certificate_without_blocks_in_another_round_limits_nothing() -> None:
    sa = SimpleNamespace(peer_chains=(chain("10.1.0.0/16"), chain()), log=lambda *words: None)
    assert permitted(sa, ts("10.0.0.0/8")) == ts("10.1.0.0/16")  # type: ignore[arg-type]
