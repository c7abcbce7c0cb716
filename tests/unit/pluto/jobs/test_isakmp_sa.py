"""What an ISAKMP SA tells, as whack's last line."""

import pytest

from cygnet.pluto.jobs.core import Finished
from cygnet.pluto.jobs.isakmp_sa import outcome
from cygnet.pluto.sa import events

UP = "establishing connection 'net'"


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        (events.Finished(1, True), Finished(1, True, 4, "connection 'net' established successfully")),
        (events.Finished(1, False, "peer not responding"),
         Finished(1, False, 31, f"peer not responding\n{UP} failed")),
        (events.Finished(1, False, "refused", 14), Finished(1, False, 214, f"refused\n{UP} failed")),
    ],
)  # fmt: skip
def test_code_is_that_of_the_notification_or_of_silence(told: events.Finished, shown: Finished) -> None:
    assert outcome(told, UP) == shown


@pytest.mark.parametrize(
    ("what", "shown"),
    [
        ("closing IKE_SA [3]", "IKE_SA [3] closed successfully"),
        ("rekeying CHILD_SA {2}", "CHILD_SA {2} rekeyed successfully"),
        ("reauthenticating IKE_SA [3]", "IKE_SA [3] is being authenticated anew"),
        ("", "done"),
    ],
)
def test_what_went_well_is_named(what: str, shown: str) -> None:
    assert outcome(events.Finished(1, True), what).reason == shown
