"""Every scenario that ships gives the summary kept for it, digest and all.

A difference is a change of behaviour. If it is meant, scripts/update_golden.py rewrites the files and the
difference is reviewed like code.
"""

import pytest

from tests.golden.runs import EXPECTED, expected, names, summary_of
from tests.support.recomputed import recomputed

HINT = "run scripts/update_golden.py if the change is meant"


def test_every_scenario_has_a_summary_and_every_summary_a_scenario() -> None:
    assert sorted(path.stem for path in EXPECTED.glob("*.json")) == names(), HINT


@pytest.mark.parametrize("name", names())
def test_scenario_gives_the_kept_summary(name, tmp_path):
    pytest.importorskip("pyrevm", reason="no revm for this Python, and the others are too slow")
    kept, now = expected(name), summary_of(name, tmp_path)
    differences = {key: (kept.get(key), now.get(key)) for key in kept | now if kept.get(key) != now.get(key)}
    assert differences == {}, HINT
    assert recomputed(tmp_path / name) == now["digest"]
