import threading

import pytest

from cygnet.runtime.queues.jobs import CallJob, JobQueue, Priority


def job(priority: Priority, name: str = "") -> CallJob:
    return CallJob(name or priority.name, priority, lambda: None)


def test_more_urgent_jobs_come_first_and_equals_in_order() -> None:
    queue = JobQueue(9)
    for priority, name in ((3, "a"), (1, "b"), (3, "c"), (0, "d"), (2, "e"), (1, "f")):
        queue.put(job(Priority(priority), name))
    assert [taken(queue) for _ in range(6)] == ["d", "b", "f", "e", "a", "c"]


def test_each_priority_has_its_limit_and_sure_jobs_pass_it() -> None:
    queue = JobQueue(1, limit=1)
    assert [queue.put(job(Priority.LOW)) for _ in range(2)] == [True, False]
    assert queue.put(job(Priority.HIGH))
    assert queue.put(job(Priority.LOW), sure=True)
    assert queue.lengths() == (0, 1, 0, 2)


def test_slow_work_leaves_reserved_threads_to_urgent_jobs() -> None:
    queue = JobQueue(3, reserved=(0, 1, 0, 0))
    low = [job(Priority.LOW, f"low {number}") for number in range(3)]
    for each in low:
        queue.put(each)
    assert [taken(queue), taken(queue)] == ["low 0", "low 1"]
    got: list[str] = []
    third = threading.Thread(target=lambda: got.append(taken(queue)))
    third.start()
    queue.put(job(Priority.HIGH, "urgent"))
    third.join(5)
    assert (got, queue.working(), queue.lengths()) == (["urgent"], (0, 1, 0, 2), (0, 0, 0, 1))


def test_finished_work_lets_a_held_back_job_go() -> None:
    queue = JobQueue(2, reserved=(0, 1, 0, 0))
    first, second = job(Priority.LOW, "first"), job(Priority.LOW, "second")
    queue.put(first)
    queue.put(second)
    assert queue.take() is first
    queue.done(first)
    assert queue.take() is second


@pytest.mark.parametrize("reserved", [(9, 9, 9, 9), (0, 1, 0, 0), (1, 0, 0, 1)])
def test_single_thread_is_never_reserved(reserved: tuple[int, ...]) -> None:
    queue = JobQueue(1, reserved=reserved)
    queue.put(job(Priority.LOW))
    assert taken(queue) == "LOW"


def test_closing_forgets_what_waits() -> None:
    queue = JobQueue(1)
    queue.put(job(Priority.LOW))
    queue.close()
    assert (queue.take(), queue.put(job(Priority.HIGH))) == (None, False)


def test_closing_without_discarding_gives_out_the_rest() -> None:
    queue = JobQueue(1)
    queue.put(job(Priority.LOW))
    queue.close(discard=False)
    assert (taken(queue), queue.take()) == ("LOW", None)


def test_closing_without_discarding_lets_those_go_who_may_not_have_the_rest() -> None:
    queue = JobQueue(2, reserved=(0, 1, 0, 0))
    first, second = job(Priority.LOW, "first"), job(Priority.LOW, "second")
    queue.put(first)
    queue.put(second)
    assert queue.take() is first
    got: list[object] = []
    waiting = threading.Thread(target=lambda: got.append(queue.take()))
    waiting.start()
    queue.close(discard=False)
    queue.done(first)
    assert queue.take() in (second, None)
    queue.done(second)
    waiting.join(5)
    assert not waiting.is_alive()


def taken(queue: JobQueue) -> str:
    found = queue.take()
    assert found is not None
    return found.name
