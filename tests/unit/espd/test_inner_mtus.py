"""How wide the tunnels are."""

from cygnet.espd.inner_mtus import InnerMtus


def test_widest_is_that_of_the_sas_that_are_there() -> None:
    mtus = InnerMtus()
    assert mtus.widest(1400) == 1400
    mtus.note(1, 1300)
    mtus.note(2, 1420)
    mtus.note(3, 1420)
    assert mtus.widest(1400) == 1420
    mtus.forget(2)
    assert mtus.widest(1400) == 1420
    mtus.forget(3)
    assert mtus.widest(1400) == 1300


def test_other_mtu_takes_the_place_of_the_first() -> None:
    mtus = InnerMtus()
    mtus.note(1, 1420)
    mtus.note(1, 1300)
    assert mtus.widest(1400) == 1300
    mtus.forget(1)
    mtus.forget(1)
    assert mtus.widest(1400) == 1400
