"""Replay compared tables, digest and the summary's own keys, and believed the rest of a run folder.

A manifest could name other contracts, another seed or other assumptions than the run had, and a summary could
hold keys no run writes: replay said "identical".
"""

from __future__ import annotations

import json
import shutil

import pytest

from sim.core.errors import InputError
from sim.engine.replay import replay_run
from tests.support.sealed import edit_sealed, seal
from tests.support.small_run import small_run


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return small_run(tmp_path_factory.mktemp("original") / "run", "blocks=9").folder


@pytest.fixture
def folder(original, tmp_path):
    return shutil.copytree(original, tmp_path / "run")


def changed(value):
    """Return something else of the same type."""
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return value[:-1] + ("0" if value[-1] != "0" else "1")
    if isinstance(value, dict):
        return dict.fromkeys(value, "0" * 64)
    return value[1:]


@pytest.mark.parametrize(
    "key",
    ["seed", "title", "blocks", "scenario_sha256", "contracts", "assumptions", "agents", "raised_openings"],
)
def test_an_edited_manifest_is_found(folder, key):
    """Not so engine, versions and overrides: any engine on any machine may replay a run."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, key: changed(manifest[key])}))
    seal(folder)
    result = replay_run(folder, None)
    assert not result.identical
    assert result.first_difference.startswith(f"manifest.json: {key}: stored ")


@pytest.mark.parametrize("name", ["manifest.json", "summary.json"])
def test_an_added_key_is_found(folder, name):
    path = folder / name
    path.write_text(json.dumps({**json.loads(path.read_text()), "audited_by": "nobody"}))
    seal(folder)
    result = replay_run(folder, None)
    assert not result.identical
    assert result.first_difference == f"{name}: audited_by: stored 'nobody', recomputed nothing"


def test_a_removed_key_is_found(folder):
    path = folder / "summary.json"
    values = json.loads(path.read_text())
    del values["blocks"]
    path.write_text(json.dumps(values))
    seal(folder)
    result = replay_run(folder, None)
    assert not result.identical
    assert result.first_difference == "summary.json: blocks: stored nothing, recomputed 9"


def test_a_key_removed_from_the_manifest_is_named(folder):
    edit_sealed(folder, "manifest.json", lambda manifest: manifest.pop("blocks"))
    with pytest.raises(InputError, match=r"manifest\.json: blocks: is missing"):
        replay_run(folder, None)
