"""``memusage``."""

from cygnet.charon.control.memusage import MemUsageHandler
from cygnet.ctl.stroke import Done, MemUsage


class Two:
    """Two sections."""

    def memory(self):
        tables = [("IKE_SAs", "2"), ("CHILD_SAs", "3")]
        return [("Process", [("threads", "27")]), ("Tables (entries)", tables)]


def test_figures_stand_under_their_captions(reply) -> None:
    assert MemUsageHandler(Two())(MemUsage(), reply) == Done()
    assert reply.lines == [
        "Process:",
        "  threads                                    27",
        "Tables (entries):",
        "  IKE_SAs                                     2",
        "  CHILD_SAs                                   3",
    ]
