"""Windows do not overlap, and both sides see the same move."""

import numpy as np
import pytest

from sim.metrics.margin_model.windows import split_windows, verdict


def test_windows_follow_one_another_and_read_the_margin_at_their_start():
    prices = np.array([100.0, 90.0, 80.0, 88.0, 88.0, 44.0, 50.0])
    margin = np.arange(7) / 10
    windows = split_windows(prices, margin, 2, first=1)
    assert windows.starts.tolist() == [1, 3]
    assert windows.margin.tolist() == pytest.approx([0.1, 0.3])
    assert windows.long_loss.tolist() == pytest.approx([1 - 88 / 90, 0.5])
    assert windows.loss("short").tolist() == pytest.approx([88 / 90 - 1, -0.5])


def test_a_series_shorter_than_a_window_has_none():
    assert len(split_windows(np.ones(3), np.ones(3), 3)) == 0
    assert len(split_windows(np.ones(4), np.ones(4), 3)) == 1


@pytest.mark.parametrize(
    ("prices", "margin", "length"), [([1.0, 0.0], [1.0, 1.0], 1), ([1.0], [1.0, 1.0], 1), ([1.0], [1.0], 0)]
)
def test_series_that_are_none_are_refused(prices, margin, length):
    with pytest.raises(ValueError, match=r"price|length"):
        split_windows(np.array(prices), np.array(margin), length)


def test_a_test_that_does_not_reject_needs_enough_windows_to_say_so():
    assert verdict(0.04, 0.1) == "rejected"
    assert verdict(0.5, 2.49) == "too few windows"
    assert verdict(0.5, 2.5) == "not rejected"
