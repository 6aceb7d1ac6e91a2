"""The gas table and its file."""

import dataclasses
import json

import pytest

from sim.chain.compile import Artifact
from sim.chain.gas import GasEntry, GasProfile, bytecode_hash
from sim.core.errors import InputError, RunError


def artifact(name, runtime):
    return Artifact(name=name, abi=(), bytecode=b"", runtime_bytecode=runtime, source_hash="")


ENTRIES = {
    "b.liquidate": GasEntry(
        success=300_000, per_item=0, per_position=80_000, revert=60_000, revert_per_position=20_000
    ),
    "a.auto_deleverage": GasEntry(
        success=100_000, per_item=40_000, per_position=7_000, revert=50_000, revert_per_position=0
    ),
}


def test_gas_grows_with_items_and_positions_and_reverts_have_their_own():
    profile = GasProfile("h", ENTRIES)
    assert profile.gas("a.auto_deleverage", items=3) == 220_000
    assert profile.gas("a.auto_deleverage", success=False, items=3) == 50_000
    assert profile.gas("a.auto_deleverage", items=3, further_positions=2) == 234_000
    assert profile.gas("b.liquidate", further_positions=-1) == 220_000
    assert profile.gas("b.liquidate", success=False, further_positions=2) == 100_000
    assert profile.mapping() == {"a.auto_deleverage": 100_000, "b.liquidate": 300_000}
    with pytest.raises(RunError, match="no entry point 'c'"):
        profile.gas("c")


def test_a_saved_profile_reads_back(tmp_path):
    profile = GasProfile(bytecode_hash([artifact("A", b"1")]), ENTRIES)
    profile.save(tmp_path / "gas.json")
    loaded = GasProfile.load(tmp_path / "gas.json")
    assert loaded.entries == profile.entries
    assert loaded.bytecode_hash == profile.bytecode_hash


def test_any_change_of_bytecode_makes_the_profile_stale():
    first, second = artifact("A", b"1"), artifact("B", b"2")
    profile = GasProfile(bytecode_hash([first, second]), ENTRIES)
    assert profile.is_current([second, first])
    assert not profile.is_current([first])
    assert not profile.is_current([first, dataclasses.replace(second, runtime_bytecode=b"3")])
    assert not profile.is_current([first, dataclasses.replace(second, name="C")])


def stored(**changes):
    entry = dict.fromkeys([field.name for field in dataclasses.fields(GasEntry)], 1) | changes
    return json.dumps({"format": 2, "bytecode_hash": "", "entries": {"f": entry}})


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"format": 9}',
        '{"format": 1, "bytecode_hash": "", "entries": {}}',
        stored(success=-1),
        stored(success=1.5),
        stored(success=True),
        stored(per_position="2"),
        '{"format": 2, "bytecode_hash": "", "entries": {"f": {"success": 1, "per_item": 0, "revert": 0}}}',
    ],
)
def test_a_damaged_profile_is_an_input_error(tmp_path, content):
    path = tmp_path / "gas.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"gas\.json"):
        GasProfile.load(path)


def test_a_missing_profile_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="cannot read"):
        GasProfile.load(tmp_path / "none.json")
