import threading

from cygnet.runtime.queues.bounded import BoundedQueue
from cygnet.runtime.queues.sends import SendQueue


def test_items_come_out_in_order() -> None:
    queue: BoundedQueue[int] = BoundedQueue("q", 3)
    assert [queue.put(item) for item in (1, 2, 3)] == [True, True, True]
    assert [queue.take(0) for _ in range(4)] == [1, 2, 3, None]


def test_full_queue_refuses_and_counts() -> None:
    queue: BoundedQueue[int] = BoundedQueue("q", 1)
    assert (queue.put(1), queue.put(2), queue.dropped, len(queue)) == (True, False, 1, 1)


def test_closed_queue_gives_what_it_has_then_nothing() -> None:
    queue: BoundedQueue[int] = BoundedQueue("q", 2)
    queue.put(1)
    queue.close()
    assert (queue.put(2), queue.take(), queue.take(), queue.closed) == (False, 1, None, True)


def test_closing_wakes_who_waits() -> None:
    queue = SendQueue()
    taken: list[object] = []
    waiting = threading.Thread(target=lambda: taken.append(queue.take()))
    waiting.start()
    queue.close()
    waiting.join(5)
    assert taken == [None]


def test_several_items_go_in_and_out_at_once() -> None:
    queue: BoundedQueue[int] = BoundedQueue("q", 3)
    assert queue.put_all([1, 2])
    assert not queue.put_all([3, 4, 5])
    assert (queue.take_all(), queue.dropped, queue.take_all(0)) == ([1, 2, 3], 2, [])


def test_each_of_several_takers_is_woken_as_long_as_there_is_something() -> None:
    queue: BoundedQueue[int] = BoundedQueue("q", 9)
    taken: list[int | None] = []
    takers = [threading.Thread(target=lambda: taken.append(queue.take(5))) for _ in range(3)]
    for taker in takers:
        taker.start()
    queue.put_all([1, 2, 3])
    for taker in takers:
        taker.join(5)
    assert sorted(taken) == [1, 2, 3]
