"""Which log listeners a strongswan.conf asks for."""

from cygnet.base.effects import Log
from cygnet.base.groups import Group
from cygnet.conf.settings import parse_settings
from cygnet.runtime.bus.bus import Bus
from cygnet.runtime.bus.configured import add_loggers


class OneFile:
    """A reader of one text."""

    def __init__(self, text):
        self.text = text

    def read(self, path):
        return self.text

    def glob(self, pattern, relative_to):
        return []


def settings(text):
    return parse_settings("strongswan.conf", OneFile(text))


def test_file_logger_takes_levels_and_form_from_its_section(tmp_path):
    path = tmp_path / "charon.log"
    conf = f"charon {{ filelog {{ one {{ path = {path}\n default = 1\n net = 2\n ike_name = yes }} }} }}"
    bus = Bus()
    add_loggers(bus, settings(conf), {}, stderr=False)
    bus.log(Group.NET, 2, "a packet", "moon|3")
    bus.log(Group.IKE, 2, "not shown")
    bus.log(Group.IKE, 1, "shown")
    assert bus.close(5.0)
    assert path.read_text() == "00[NET] <moon|3> a packet\n00[IKE] shown\n"


def test_section_name_is_the_path_where_none_is_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bus = Bus()
    add_loggers(bus, settings("charon { filelog { charon-log { default = 0 } } }"), {}, stderr=False)
    bus.publish(Log(Group.DMN, 0, "audit"))
    assert bus.close(5.0)
    assert (tmp_path / "charon-log").read_text() == "00[DMN] audit\n"


def test_options_of_a_section_with_dots_in_its_name_count(tmp_path):
    path = tmp_path / "charon.log"
    bus = Bus()
    conf = f"charon {{ filelog {{ {path} {{ default = 0\n ike_name = yes }} }} }}"
    add_loggers(bus, settings(conf), {}, stderr=False)
    bus.log(Group.IKE, 0, "audit", "moon|3")
    bus.log(Group.IKE, 1, "not shown")
    assert bus.close(5.0)
    assert path.read_text() == "00[IKE] <moon|3> audit\n"


def test_unwritable_file_is_named_in_the_other_log(tmp_path):
    good, bad = tmp_path / "good", tmp_path / "missing" / "log"
    conf = f"charon {{ filelog {{ a {{ path = {bad} }}\n b {{ path = {good} }} }} }}"
    bus = Bus()
    add_loggers(bus, settings(conf), {}, stderr=False)
    assert bus.close(5.0)
    assert f"opening file '{bad}' for logging failed: No such file or directory" in good.read_text()


def test_default_listeners_show_level_one_or_what_the_command_line_says(capsys):
    bus = Bus()
    add_loggers(bus, settings(""), {"net": 2, "any": 1}, stderr=True)
    assert not bus.wants(Group.NET, 2)
    assert bus.wants(Group.IKE, 1)
    bus.close(5.0)
    bus = Bus()
    add_loggers(bus, settings(""), {"net": 2}, stderr=True)
    assert bus.wants(Group.NET, 2)
    bus.log(Group.NET, 2, "to stderr")
    assert bus.close(5.0)
    assert capsys.readouterr().err == "00[NET] to stderr\n"


def test_reopened_file_goes_on_under_its_name(tmp_path):
    path = tmp_path / "log"
    bus = Bus()
    (logger,) = add_loggers(bus, settings(f"charon {{ filelog {{ {path} {{ }} }} }}"), {}, stderr=False)
    rotated = path.rename(tmp_path / "log.1")
    logger.reopen()
    bus.log(Group.IKE, 1, "after rotation")
    assert bus.close(5.0)
    assert path.read_text() == "00[IKE] after rotation\n"
    assert rotated.read_text() == ""
