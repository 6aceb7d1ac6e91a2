import os

import pytest

from sim.core import files
from sim.core.errors import RunError


def test_write_replaces_the_whole_content(tmp_path):
    target = tmp_path / "summary.json"
    files.atomic_write_text(target, "a much longer first content")
    files.atomic_write_text(target, "short\n")
    assert target.read_bytes() == b"short\n"
    assert [path.name for path in tmp_path.iterdir()] == ["summary.json"]


@pytest.mark.parametrize("failing", ["fsync", "replace", "fdopen"])
def test_a_failed_write_keeps_the_old_content_and_leaves_nothing_behind(tmp_path, monkeypatch, failing):
    target = tmp_path / "summary.json"
    files.atomic_write_bytes(target, b"old")

    def refuse(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, failing, refuse)
    with pytest.raises(RunError, match="No space left on device"):
        files.atomic_write_bytes(target, b"new")
    monkeypatch.undo()
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["summary.json"]


def test_a_missing_folder_is_a_run_error_that_names_the_file(tmp_path):
    with pytest.raises(RunError, match=r"absent/summary\.json"):
        files.atomic_write_bytes(tmp_path / "absent" / "summary.json", b"x")


def test_a_file_where_a_folder_should_be_is_a_run_error(tmp_path):
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(RunError, match="cannot create folder"):
        files.ensure_directory(tmp_path / "taken" / "below")
    files.ensure_directory(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def test_publish_moves_a_finished_file(tmp_path):
    part = tmp_path / ".blocks.tmp"
    part.write_bytes(b"PAR1")
    files.publish_file(part, tmp_path / "blocks.parquet")
    assert not part.exists()
    assert (tmp_path / "blocks.parquet").read_bytes() == b"PAR1"
    with pytest.raises(RunError, match=r"blocks\.parquet"):
        files.publish_file(part, tmp_path / "blocks.parquet")
