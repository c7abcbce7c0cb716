import threading
from time import monotonic

from hypothesis import given
from hypothesis import strategies as st

from cygnet.runtime.queues.events import EventQueue


@given(st.lists(st.integers(0, 5), max_size=20))
def test_events_come_by_time_and_equals_in_order(times: list[int]) -> None:
    queue = EventQueue(lambda: 10.0)
    fired: list[tuple[int, int]] = []
    for place, at in enumerate(times):
        queue.put_at(at, lambda at=at, place=place: fired.append((at, place)))  # type: ignore[misc]
    for _ in times:
        action = queue.take()
        assert action is not None
        action()
    assert fired == sorted(fired) and len(fired) == len(times)


def test_full_queue_refuses() -> None:
    queue = EventQueue(lambda: 0.0, limit=1)
    assert [queue.put_in(1, lambda: None), queue.put_in(1, lambda: None), len(queue)] == [True, False, 1]


def test_earlier_event_overtakes_one_that_is_waited_for() -> None:
    queue = EventQueue(monotonic)
    taken: list[object] = []
    queue.put_in(1000, object)
    waiting = threading.Thread(target=lambda: taken.append(queue.take()))
    waiting.start()
    queue.put_in(0, str)
    waiting.join(5)
    assert taken == [str]


def test_closing_wakes_who_waits() -> None:
    queue = EventQueue(monotonic)
    taken: list[object] = []
    queue.put_in(1000, object)
    waiting = threading.Thread(target=lambda: taken.append(queue.take()))
    waiting.start()
    queue.close()
    waiting.join(5)
    assert (taken, len(queue), queue.put_in(1, object)) == ([None], 0, False)
