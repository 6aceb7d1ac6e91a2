import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.core.digest import Digest, canonical_json, sha256_file, sha256_hex
from sim.core.errors import InputError

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_sha256_of_the_standard_test_vector(tmp_path):
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, "abc"
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256_hex(b"abc") == expected
    assert sha256_file(tmp_path / "abc") == expected


def test_sha256_of_an_absent_file_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="absent"):
        sha256_file(tmp_path / "absent")


def test_canonical_json_has_one_spelling():
    assert canonical_json({"b": [1, 0.1], "a": "ü", "A": None}) == b'{"A":null,"a":"\\u00fc","b":[1,0.1]}'
    assert canonical_json({"x": 1, "y": 2}) == canonical_json({"y": 2, "x": 1})
    assert canonical_json(2**300) == str(2**300).encode()


@given(JSON_VALUES)
def test_canonical_json_reads_back(value):
    assert json.loads(canonical_json(value)) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_canonical_json_refuses_what_json_cannot_hold(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"x": [value]})


@pytest.mark.parametrize("value", [{1: 2}, [{None: 1}], {"x": {2.5: 1}}, b"bytes", {1, 2}])
def test_canonical_json_refuses_keys_and_types_with_two_spellings(value):
    with pytest.raises(TypeError):
        canonical_json(value)


def test_digest_depends_on_where_parts_end_and_on_the_domain():
    def of(domain, *parts):
        digest = Digest(domain)
        for part in parts:
            digest.update(part)
        return digest.hexdigest()

    spellings = [
        of("r", b"ab", b"c"),
        of("r", b"a", b"bc"),
        of("r", b"abc"),
        of("r", b"abc", b""),
        of("s", b"abc"),
    ]
    assert len(set(spellings)) == len(spellings)


def test_digest_can_be_read_midway():
    digest, fresh = Digest("d"), Digest("d")
    digest.update_json({"a": 1})
    digest.hexdigest()
    for each in (digest,):
        each.update(b"x")
    fresh.update(b'{"a":1}')
    fresh.update(b"x")
    assert digest.hexdigest() == fresh.hexdigest()
