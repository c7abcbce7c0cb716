"""What starter sends: connections and authorities to load and to forget."""

from collections.abc import Sequence
from dataclasses import dataclass

from cygnet.base.errors import CygnetError
from cygnet.charon.control.ports import Loader, Reply
from cygnet.charon.control.replies import refuse
from cygnet.ctl.stroke import AddAuthority, AddConnection, DeleteAuthority, DeleteConnection, Done


@dataclass(frozen=True, slots=True)
class LoadHandler:
    """Answers the four messages; warnings are lines, a refusal is the reason."""

    loader: Loader

    def add_connection(self, request: AddConnection, reply: Reply) -> Done:
        """Load or replace one connection."""
        try:
            warnings = self.loader.add(request)
        except CygnetError as error:
            return refuse(reply, f"adding connection '{request.name}' failed: {error}")
        return _loaded(f"added configuration '{request.name}'", warnings, reply)

    def delete_connection(self, request: DeleteConnection, reply: Reply) -> Done:
        """Forget one connection."""
        if not self.loader.remove(request.name):
            return refuse(reply, f"no config named '{request.name}'")
        return _loaded(f"deleted connection '{request.name}'", (), reply)

    def add_authority(self, request: AddAuthority, reply: Reply) -> Done:
        """Load or replace one ``ca`` section."""
        try:
            warnings = self.loader.add_authority(request)
        except CygnetError as error:
            return refuse(reply, f"adding ca '{request.name}' failed: {error}")
        return _loaded(f"added ca '{request.name}'", warnings, reply)

    def delete_authority(self, request: DeleteAuthority, reply: Reply) -> Done:
        """Forget one ``ca`` section."""
        if not self.loader.remove_authority(request.name):
            return refuse(reply, f"no ca named '{request.name}'")
        return _loaded(f"deleted ca '{request.name}'", (), reply)


def _loaded(line: str, warnings: Sequence[str], reply: Reply) -> Done:
    for warning in warnings:
        reply.text(warning)
    reply.text(line)
    return Done()
