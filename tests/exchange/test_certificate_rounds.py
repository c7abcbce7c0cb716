"""Certificates in a second authentication round (RFC 4739; leftauth2=pubkey, leftcert2)."""

from dataclasses import replace
from typing import Any

import pytest
from simulation.authority import Issuer
from simulation.meddling import Meddling
from simulation.pair import Pair, selector

from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.payloads import CertificatePayload
from cygnet.charon.sa.orders import RekeyIke
from cygnet.keying.config.records import AuthClass, AuthConfig, SendCert
from cygnet.keying.sa.credentials import OwnKey

USER, DAVE = Identity.parse("carol.test"), Identity.parse("dave.test")
SECRET = Secret(b"a secret of some length")


class Rounds:
    """Both know two CAs. Alice's machine is certified by one (RSA), its user by the other (ECDSA)."""

    def __init__(self, machine: tuple[str, ...] = (), user: tuple[str, ...] = ()) -> None:
        self.pair = Pair()
        self.machines = Issuer("Machines", addresses=("0.0.0.0/0",) if machine else ())
        self.users = Issuer("Users", addresses=("0.0.0.0/0",) if user else ())
        self.keys = (
            self.machines.issue("alice.test", "rsa", addresses=machine),
            self.users.issue("carol.test", "ec256", addresses=user),
        )
        for peer in (self.pair.alice, self.pair.bob):
            peer.store.secrets.clear()
            peer.store.anchors += [self.machines.certificate, self.users.certificate]
        self.pair.alice.store.keys += self.keys
        self.pair.bob.store.keys.append(self.machines.issue("bob.test", addresses=machine))
        first, second = (_certified(key) for key in self.keys)
        (bob,) = self.pair.alice_config.remote
        self.pair.change(
            "alice",
            local=(replace(first, identity=Identity.parse("alice.test")), replace(second, identity=USER)),
            remote=(replace(bob, auth=AuthClass.PUBKEY),),
        )
        (local,), (remote,) = self.pair.bob_config.local, self.pair.bob_config.remote
        self.pair.change(
            "bob",
            local=(replace(local, auth=AuthClass.PUBKEY),),
            remote=(
                replace(remote, auth=AuthClass.PUBKEY, authorities=(self.machines.certificate.subject,)),
                AuthConfig(AuthClass.PUBKEY, USER, authorities=(self.users.certificate.subject,)),
            ),
        )

    def demand(self, number: int, **changes: Any) -> None:
        """What Bob demands in one of Alice's rounds."""
        rounds = list(self.pair.bob_config.remote)
        rounds[number] = replace(rounds[number], **changes)
        self.pair.change("bob", remote=tuple(rounds))

    def show(self, number: int, **changes: Any) -> None:
        """What Alice does in one of her rounds."""
        rounds = list(self.pair.alice_config.local)
        rounds[number] = replace(rounds[number], **changes)
        self.pair.change("alice", local=tuple(rounds))


def test_machine_then_user() -> None:
    rounds = Rounds()
    pair = rounds.pair
    # R -> I  IKE_SA_INIT { SAr1, KEr, Nr, CERTREQ, N(MULTIPLE_AUTH_SUPPORTED) }
    # I -> R  IKE_AUTH { IDi, CERT, CERTREQ, IDr, AUTH, SAi2, TSi, TSr, N(MULTIPLE_AUTH_SUPPORTED),
    #                    N(ANOTHER_AUTH_FOLLOWS) }
    # R -> I  IKE_AUTH { IDr, CERT, AUTH }
    # I -> R  IKE_AUTH { IDi, CERT, AUTH }
    # R -> I  IKE_AUTH { SAr2, TSi, TSr }
    pair.connect()
    assert pair.is_up(), pair.bob.log
    shown = pair.bob.sa.snapshot(0)
    assert str(shown.remote_id) == "alice.test"
    machine, user = (key.certificate for key in rounds.keys)
    assert machine is not None and user is not None
    assert shown.peer_certificates == (
        machine.der, rounds.machines.certificate.der, user.der, rounds.users.certificate.der,
    )  # fmt: skip
    pair.alice.order(pair.alice.sa, RekeyIke())
    pair.network.run(2)
    assert pair.bob.sa.snapshot(0).peer_certificates == shown.peer_certificates


def test_both_sides_have_two_certificates() -> None:
    rounds = Rounds()
    pair = rounds.pair
    operator = rounds.users.issue("dave.test", "ed25519")
    pair.bob.store.keys.append(operator)
    pair.change("bob", local=(*pair.bob_config.local, replace(_certified(operator), identity=DAVE)))
    pair.change("alice", remote=(*pair.alice_config.remote, AuthConfig(AuthClass.PUBKEY, DAVE)))
    # I -> R  IKE_AUTH { IDi, CERT, AUTH, N(ANOTHER_AUTH_FOLLOWS), … }
    # R -> I  IKE_AUTH { IDr, CERT, AUTH, N(ANOTHER_AUTH_FOLLOWS) }
    # I -> R  IKE_AUTH { IDi, CERT, AUTH }
    # R -> I  IKE_AUTH { IDr, CERT, AUTH, SAr2, TSi, TSr }
    pair.connect()
    assert pair.is_up(), pair.alice.log
    assert operator.certificate is not None
    assert operator.certificate.der in pair.alice.sa.snapshot(0).peer_certificates


@pytest.mark.parametrize("first", [AuthClass.PSK, AuthClass.PUBKEY])
def test_secret_in_one_round_and_certificate_in_the_other(first: AuthClass) -> None:
    rounds = Rounds()
    place = 0 if first is AuthClass.PSK else 1
    for peer in (rounds.pair.alice, rounds.pair.bob):
        peer.store.secrets.append((None, SECRET))
    rounds.show(place, auth=AuthClass.PSK, certificates=())
    rounds.demand(place, auth=AuthClass.PSK, authorities=())
    rounds.pair.connect()
    assert rounds.pair.is_up(), rounds.pair.bob.log


def test_certificates_of_one_round_are_none_of_another() -> None:
    """The user's certificate in the first message does not serve the second round."""
    rounds = Rounds()
    user = rounds.keys[1].certificate
    assert user is not None
    rounds.show(1, send_cert=SendCert.NEVER)
    early = CertificatePayload(4, user.der)
    Meddling(rounds.pair, "alice", Exchange.IKE_AUTH, _once(early), response=False)
    # I -> R  IKE_AUTH { IDi, CERT, CERT, AUTH, N(ANOTHER_AUTH_FOLLOWS), … }
    # R -> I  IKE_AUTH { IDr, CERT, AUTH }
    # I -> R  IKE_AUTH { IDi, AUTH }
    # R -> I  IKE_AUTH { N(AUTHENTICATION_FAILED) }
    rounds.pair.connect()
    assert_refused(rounds.pair, "no trusted ECDSA public key found for 'carol.test'")


@pytest.mark.parametrize(
    ("number", "changes", "reason"),
    [
        (1, {"authorities": (Identity.parse("CN=Nobody"),)}, 'peer not authenticated by CA "CN=Nobody"'),
        (1, {"identity": Identity.parse("dave.test")}, "identity 'dave.test' required, peer is 'carol.test'"),
        (1, {"auth": AuthClass.PSK}, "requires pre-shared key authentication"),
        (1, {"groups": ("staff",)}, "group membership to 'staff' required"),
        (0, {"authorities": (Identity.parse("CN=Nobody"),)}, 'peer not authenticated by CA "CN=Nobody"'),
    ],
)
def test_each_round_has_its_own_constraints(number: int, changes: dict[str, Any], reason: str) -> None:
    rounds = Rounds()
    rounds.demand(number, **changes)
    rounds.pair.connect()
    assert_refused(rounds.pair, reason)


def test_certificate_of_the_second_round_must_be_trusted() -> None:
    rounds = Rounds()
    rounds.pair.bob.store.anchors.remove(rounds.users.certificate)
    rounds.pair.connect()
    assert_refused(rounds.pair, "no trusted ECDSA public key found for 'carol.test'")


def test_second_round_alone_is_not_enough() -> None:
    rounds = Rounds()
    rounds.pair.change("alice", local=rounds.pair.alice_config.local[:1])
    rounds.pair.connect()
    assert_refused(rounds.pair, "another authentication round required, by public key authentication")


@pytest.mark.parametrize(
    ("machine", "user", "left"),
    [
        (("10.1.0.0/16",), ("10.1.2.0/24",), "10.1.2.0/24"),
        (("10.1.2.0/24",), ("10.0.0.0/8",), "10.1.2.0/24"),
        (("10.1.2.0/24",), (), "10.1.2.0/24"),
        ((), ("10.1.2.0/24",), "10.1.2.0/24"),
    ],
)
def test_address_blocks_of_every_round_count(
    machine: tuple[str, ...], user: tuple[str, ...], left: str
) -> None:
    rounds = Rounds(machine, user)
    bob = rounds.pair.bob.store.keys
    bob[:] = [rounds.machines.issue("bob.test", addresses=("10.2.0.0/16",) if machine else ())]
    rounds.pair.connect()
    (child,) = rounds.pair.children(rounds.pair.bob)
    assert child.remote_ts == (selector(left),)


def _certified(key: OwnKey) -> AuthConfig:
    assert key.certificate is not None
    return AuthConfig(AuthClass.PUBKEY, certificates=(key.certificate.der,))


def _once(payload: CertificatePayload) -> Any:
    added: list[object] = []

    def change(old: tuple[object, ...]) -> tuple[object, ...]:
        if added:
            return old
        added.append(payload)
        places = [at for at, one in enumerate(old) if isinstance(one, CertificatePayload)]
        return (*old[: places[-1] + 1], payload, *old[places[-1] + 1 :])

    return change


def assert_refused(pair: Pair, reason: str) -> None:
    assert pair.is_clean()
    assert pair.bob.said(reason), pair.bob.log
    assert pair.alice.finished().reason == "received AUTHENTICATION_FAILED notify error"
