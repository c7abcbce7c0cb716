"""Packets in both directions, so that a test sees whether any would be lost."""

from cygnet.kernel.port import Direction, SaSpec
from simulation.pair import Pair
from simulation.peer import Peer


class Traffic:
    """Every ``interval_s`` each peer sends a packet through its newest outbound SA, as a kernel would.

    It arrives after as long as an IKE message takes, or up to ``jitter_s`` later. ``lost`` names those for
    which there was no SA at the sender or, by then, none at the receiver.
    """

    def __init__(self, pair: Pair, interval_s: float = 0.01, jitter_s: float = 0.0) -> None:
        self.pair, self.interval_s, self.jitter_s = pair, interval_s, jitter_s
        self.lost: list[str] = []
        self.carried = 0
        self._on = True
        self._tick()

    def stop(self) -> None:
        self._on = False

    def _tick(self) -> None:
        if not self._on:
            return
        alice, bob, network = self.pair.alice, self.pair.bob, self.pair.network
        for sender, receiver in ((alice, bob), (bob, alice)):
            spec = newest_outbound(sender)
            if spec is None:
                self.lost.append(f"{network.now:.2f}: {sender.address} has nothing to send through")
                continue
            delay = network.weather.delay_s + self.jitter_s * network.random.random()
            network.at(delay, lambda receiver=receiver, spec=spec: self._arrive(receiver, spec))
        network.at(self.interval_s, self._tick)

    def _arrive(self, receiver: Peer, spec: SaSpec) -> None:
        for name, found in receiver.kernel.sas.items():
            if found.inbound and name.spi == spec.id.spi:
                receiver.kernel.carry(name, 84)
                self.carried += 1
                return
        self.lost.append(f"{self.pair.network.now:.2f}: {receiver.address} does not know {spec.id.spi:08x}")


def newest_outbound(peer: Peer) -> SaSpec | None:
    """The SA that the newest outbound policy leads to: the one it names, or of its reqid the newest."""
    policies = [spec for spec in peer.kernel.policies if spec.direction is Direction.OUT and not spec.trap]
    found = [spec for spec in peer.kernel.sas.values() if not spec.inbound]
    for policy in reversed(policies):
        fitting = [spec for spec in found if spec.reqid == policy.reqid]
        named = [spec for spec in fitting if spec.id.spi == policy.next_spi]
        if named or fitting:
            return (named or fitting)[-1]
    return None
