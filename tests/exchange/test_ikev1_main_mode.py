"""IKEv1 main mode, then quick mode: with pre-shared keys and signatures."""


import pytest
from simulation.ikev1 import Pair

from cygnet.pluto.sa.events import IkeEstablished, StateChanged
from cygnet.pluto.sa.states import State


def test_main_mode_with_a_pre_shared_key():
    # I -> R  SA, V
    # I <- R  SA, V
    # I -> R  KE, Ni, NAT-D
    # I <- R  KE, Nr, NAT-D
    # I -> R  { IDii, HASH_I, N(INITIAL_CONTACT) }
    # I <- R  { IDir, HASH_R }
    # I -> R  { HASH(1), SA, Ni, IDci, IDcr }
    # I <- R  { HASH(2), SA, Nr, IDci, IDcr }
    # I -> R  { HASH(3) }
    pair = Pair()
    pair.connect()
    assert pair.is_up(), (pair.alice.log, pair.bob.log)
    assert pair.alice.outcome().ok
    assert len(pair.network.travelled) == 9
    assert pair.bob.of(IkeEstablished)[0].initial_contact
    assert [str(one.remote_id) for one in pair.bob.of(IkeEstablished)] == ["alice.test"]
    assert [one.state for one in pair.alice.of(StateChanged)] == [
        State.MAIN_I1, State.MAIN_I2, State.MAIN_I3, State.MAIN_I4, State.QUICK_I1, State.QUICK_I2,
    ]  # fmt: skip
    assert [one.state for one in pair.bob.of(StateChanged)] == [
        State.MAIN_R1, State.MAIN_R2, State.MAIN_R3, State.QUICK_R1, State.QUICK_R2,
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["rsa", "ec256", "ec384"])
def test_main_mode_with_signatures(kind):
    # I -> R  KE, Ni, NAT-D
    # I <- R  KE, Nr, CERTREQ, NAT-D
    # I -> R  { IDii, CERT, SIG_I }
    # I <- R  { IDir, CERT, SIG_R }
    pair = Pair()
    pair.certify(kind)
    pair.connect()
    assert pair.is_up(), (pair.alice.log, pair.bob.log)
