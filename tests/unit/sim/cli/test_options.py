"""Options: scenario by path or name, results folder, overrides."""

import os

import pytest

from sim.cli.options import chosen_scenario, command_line_overrides, output_folder, shipped_folder
from sim.core.errors import InputError, RunError


def test_scenario_by_name_is_the_one_that_ships(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert chosen_scenario("calm_market") == shipped_folder() / "calm_market.toml"


def test_scenario_by_path_wins_over_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "calm_market").write_text("")
    assert chosen_scenario("calm_market").resolve() == tmp_path / "calm_market"


def test_output_folder_default_names_scenario_and_seed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert output_folder(None, "calm", 7).as_posix() == "results/calm-7"
    assert list(tmp_path.iterdir()) == []


def test_output_folder_of_an_earlier_run_may_be_used_again(tmp_path):
    (tmp_path / "manifest.json").write_text('{"digest": "", "scenario": {}}')
    assert output_folder(tmp_path, "calm", 7) == tmp_path


def test_output_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.docx").write_text("")
    with pytest.raises(InputError, match="holds files that are not a run"):
        output_folder(tmp_path, "calm", 7)


def test_output_folder_that_is_a_file_is_refused(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(InputError, match="is a file"):
        output_folder(path, "calm", 7)
    with pytest.raises(RunError, match="cannot be written"):
        output_folder(path / "below", "calm", 7)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_output_folder_without_permission_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(RunError, match="cannot be written"):
        output_folder(tmp_path / "run", "calm", 7)


def test_overrides_seed_and_blocks_come_after_set():
    seed, blocks = command_line_overrides(3, 4, ["seed=9"])[1:]
    assert (seed.path, seed.value, seed.text) == (("seed",), 3, "--seed 3")
    assert (blocks.path, blocks.value) == (("blocks",), 4)
