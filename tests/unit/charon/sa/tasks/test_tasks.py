"""The list of tasks, compared with its folder."""

import pkgutil
from importlib import import_module

from cygnet.charon.sa import tasks
from cygnet.charon.sa.tasks import TASKS
from cygnet.charon.sa.tasks.child_in_auth import ChildInAuth
from cygnet.charon.sa.tasks.series import Series
from cygnet.charon.sa.tasks.task import Task


def test_every_task_in_the_folder_is_listed() -> None:
    found = {
        value
        for module in pkgutil.iter_modules(tasks.__path__)
        for value in vars(import_module(f"{tasks.__name__}.{module.name}")).values()
        if isinstance(value, type) and issubclass(value, Task) and value not in (Task, Series, ChildInAuth)
    }
    assert found == set(TASKS)


def test_names_are_unique() -> None:
    assert len({kind.name for kind in TASKS}) == len(TASKS)


def test_every_task_opens_rides_or_answers() -> None:
    for kind in TASKS:
        assert kind.opens or kind.rides or kind.answers.__func__ is not Task.answers.__func__  # type: ignore[attr-defined]
