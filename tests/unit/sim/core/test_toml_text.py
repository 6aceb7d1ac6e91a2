"""Values written as TOML are read back as they were."""

import math
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.core.documents.toml_text import read_toml, shortened, toml_value

SCALARS = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=("Cs",)), max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(VALUES)
def test_a_value_survives_being_written(value):
    assert tomllib.loads(f"x = {toml_value(value)}") == {"x": value}


def test_what_toml_has_no_form_for_is_refused():
    with pytest.raises(TypeError, match="NoneType"):
        toml_value(None)


def test_a_float_keeps_its_bits(tmp_path):
    file = tmp_path / "x.toml"
    file.write_text(f"x = {toml_value(math.nextafter(0.1, 1.0))}\n")
    assert read_toml(file)[1] == {"x": math.nextafter(0.1, 1.0)}


def test_a_wall_of_problems_is_cut():
    assert shortened(["a", "a", "b"]) == ["a", "b"]
    assert shortened([str(number) for number in range(60)])[-1] == "... and 10 more"
