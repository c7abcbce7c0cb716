"""``memusage``: what the daemon holds, in numbers."""

from dataclasses import dataclass

from cygnet.charon.control.ports import Memory, Reply
from cygnet.ctl.stroke import Done, MemUsage


@dataclass(frozen=True, slots=True)
class MemUsageHandler:
    """Answers ``memusage``: sections of labelled numbers."""

    memory: Memory

    def __call__(self, request: MemUsage, reply: Reply) -> Done:
        """Every section under its caption; nothing is counted that would have to be allocated first."""
        for caption, rows in self.memory.memory():
            reply.text(f"{caption}:")
            reply.texts(f"  {label:<32} {value:>12}" for label, value in rows)
        return Done()
