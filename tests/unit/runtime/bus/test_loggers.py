import io
import json
import syslog
import time
from pathlib import Path

import pytest

from cygnet.base.effects import Log
from cygnet.base.groups import Group
from cygnet.runtime.bus.bus import Bus
from cygnet.runtime.bus.loggers import FileLogger, LineFormat, StreamLogger, SyslogLogger
from cygnet.runtime.bus.records import Levels, Record


def record(text: str = "received packet", sa: str = "net-net|1", at: float = 0.25) -> Record:
    return Record(Log(Group.IKE, 1, text, sa), at, 7)


@pytest.mark.parametrize(("line_format", "line"), [
    (LineFormat(), "07[IKE] received packet"),
    (LineFormat(ike_name=True), "07[IKE] <net-net|1> received packet"),
    (LineFormat(log_level=True), "07[IKE1] received packet"),
    (LineFormat(time_format="%H:%M:%S"), "00:00:00 07[IKE] received packet"),
    (LineFormat(time_format="%Y", time_precision="ms"), "1970.250 07[IKE] received packet"),
    (LineFormat(time_format="%Y", time_precision="us"), "1970.250000 07[IKE] received packet"),
])
def test_lines_look_like_strongswans(
    line_format: LineFormat, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    assert line_format.lines(record()) == [line]


def test_each_line_of_a_text_gets_the_prefix_and_no_name_without_an_sa() -> None:
    assert LineFormat(ike_name=True).lines(record("a\nb", sa="")) == ["07[IKE] a", "07[IKE] b"]


def test_json_lines_have_strongswans_fields() -> None:
    line, = LineFormat(ike_name=True, json=True).lines(record("a\nb"))
    assert json.loads(line) == {"thread": 7, "group": "IKE", "level": 1, "ikesa-uniqueid": "1",
                                "ikesa-name": "net-net", "msg": "a\nb"}


def test_other_events_make_no_lines() -> None:
    assert LineFormat().lines(Record("event", 0, 0)) == []


def test_file_is_appended_to_or_replaced(tmp_path: Path) -> None:
    path = tmp_path / "log"
    for append, text in ((False, "a"), (True, "b")):
        logger = FileLogger(path, LineFormat(), append=append, flush_line=True)
        logger.handle(record(text))
        logger.close()
    assert path.read_text() == "07[IKE] a\n07[IKE] b\n"
    logger = FileLogger(path, LineFormat(), append=False)
    logger.handle(record("c"))
    logger.idle()
    assert path.read_text() == "07[IKE] c\n"
    logger.close()


def test_rotated_file_is_opened_anew(tmp_path: Path) -> None:
    path = tmp_path / "log"
    logger = FileLogger(path, LineFormat(), flush_line=True)
    logger.handle(record("a"))
    path.rename(tmp_path / "old")
    logger.reopen()
    logger.handle(record("b"))
    logger.close()
    assert ((tmp_path / "old").read_text(), path.read_text()) == ("07[IKE] a\n", "07[IKE] b\n")


def test_stream_gets_lines() -> None:
    stream = io.StringIO()
    bus = Bus(wall=lambda: 0.0)
    bus.listen(StreamLogger(LineFormat(), stream), levels=Levels(1))
    bus.log(Group.DMN, 1, "signal of type SIGINT received. Shutting down")
    assert bus.close(5)
    assert stream.getvalue() == "00[DMN] signal of type SIGINT received. Shutting down\n"


def test_syslog_gets_facility_and_lines_without_nul() -> None:
    sent: list[tuple[int, str]] = []
    line_format = LineFormat(ike_name=True)
    logger = SyslogLogger("auth", line_format, lambda priority, line: sent.append((priority, line)))
    logger.handle(record("x\0y"))
    assert sent == [(syslog.LOG_AUTHPRIV | syslog.LOG_INFO, "07[IKE] <net-net|1> x\\x00y")]
