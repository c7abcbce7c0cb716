"""``exportx509``, ``exportconncert``, ``exportconnchain``: certificates in PEM."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cygnet.base.identities import Identity
from cygnet.cert.printing import pem_lines
from cygnet.charon.control.ports import Certificates, Reply, Snapshots
from cygnet.charon.control.replies import refuse
from cygnet.ctl.stroke import EXIT_USAGE, Done, Export


@dataclass(frozen=True, slots=True)
class ExportHandler:
    """Answers the export commands."""

    certificates: Certificates
    snapshots: Snapshots

    def __call__(self, request: Export, reply: Reply) -> Done:
        """The certificates as text, ready for a file."""
        exporters: dict[str, Callable[[str], tuple[Sequence[bytes], str]]] = {
            "x509": self._by_subject,
            "conncert": lambda name: self._of_peer(name, 1),
            "connchain": lambda name: self._of_peer(name, None),
        }
        if request.what not in exporters:
            return refuse(reply, f"there is no export of '{request.what}'", EXIT_USAGE)
        found, why_not = exporters[request.what](request.of)
        if not found:
            return refuse(reply, why_not)
        for der in found:
            reply.texts(pem_lines(der))
        return Done()

    def _by_subject(self, subject: str) -> tuple[Sequence[bytes], str]:
        """Those that speak for this name: as their subject or as an alternative name."""
        found = [one.der for one in self.certificates.find(Identity.parse(subject))]
        return found, f"no certificate for '{subject}' found"

    def _of_peer(self, name: str, most: int | None) -> tuple[Sequence[bytes], str]:
        """What the peer of the newest IKE_SA of that name, or with a CHILD_SA of it, proved itself with."""
        sas = [sa for sa in self.snapshots.snapshots() if sa.concerns(name)]
        newest = max(sas, key=lambda sa: (sa.state == "ESTABLISHED", sa.unique_id), default=None)
        if newest is None:
            return (), f"no IKE_SA '{name}' found"
        return newest.peer_certificates[:most], f"the peer of '{name}' has shown no certificate"
