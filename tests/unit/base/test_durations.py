"""Spans and dates in strongSwan's form."""

import pytest

from cygnet.base.durations import date, span


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (-7.9, "7 seconds"),
        (120, "120 seconds"),
        (121, "2 minutes"),
        (7200, "120 minutes"),
        (7201, "2 hours"),
        (172800, "48 hours"),
        (172801, "2 days"),
        (86400 * 9.9, "9 days"),
    ],
)
def test_span_counts_in_the_unit_that_fits_twice(seconds, text):
    assert span(seconds) == text


def test_date_in_utc_names_its_zone():
    assert date(0, utc=True) == "Jan 01 00:00:00 UTC 1970"


def test_local_date_has_the_same_shape_without_zone():
    assert len(date(0).split()) == 4
