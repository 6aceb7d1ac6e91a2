import math

import pytest

from sim.reporting import formatting


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0"),
        (9_999, "9,999"),
        (10_000, "10.0\u202fk"),
        (400_000, "400\u202fk"),
        (1_240_000, "1.24\u202fm"),
        (-2_500_000_000, "\u22122.50\u202fbn"),
        (3.14159, "3.14"),
        (None, "not recorded"),
        (math.nan, "not recorded"),
    ],
)
def test_compact_writes_amounts_at_their_true_scale(value, expected):
    assert formatting.compact(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "0.0\u202f%"),
        (0.5, "50.0\u202f%"),
        (0.0004, "under 0.1\u202f%"),
        (-0.0004, "\u22120.04\u202f%"),
        (None, "not recorded"),
    ],
)
def test_percent_never_rounds_a_small_share_to_zero(value, expected):
    assert formatting.percent(value) == expected


def test_number_writes_no_minus_zero():
    assert formatting.number(-0.0001, 2) == "0.00"


def test_moment_is_utc():
    assert formatting.moment(1_583_971_200) == "2020-03-12 00:00:00 UTC"
    assert formatting.moment_words(1_583_971_205).replace("\u00a0", " ") == "00:00:05 UTC on 12 March 2020"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(1, "1 second"), (90, "90 seconds"), (150, "2.5 minutes"), (86_400, "24 hours"), (259_200, "3 days")],
)
def test_duration_picks_a_readable_unit(seconds, expected):
    assert formatting.duration(seconds) == expected
