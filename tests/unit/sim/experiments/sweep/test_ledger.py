"""The ledger: what is written stays, nothing is there twice, and one process at a time writes."""

import sqlite3

import pytest

from sim.core.errors import InputError, RunError
from sim.experiments.sweep.ledger import LEDGER, Ledger, Run

DONE = Run(point=0, path=1, state="done", digest="ab", metrics={"x": 0.1 + 0.2, "y": None}, seconds=2.0)
RETRY = Run(point=0, path=2, state="retry", kind="error", reason="no luck")


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path) as opened:
        yield opened


def test_rows_come_back_as_they_were_sorted(ledger):
    ledger.write([Run(point=1, path=0, state="done", metrics={}), RETRY, DONE])
    assert list(ledger.runs())[:2] == [DONE, RETRY]
    assert [(run.point, run.path) for run in ledger.runs()] == [(0, 1), (0, 2), (1, 0)]
    assert [run.path for run in ledger.runs(point=1)] == [0]
    assert next(iter(ledger.runs(with_metrics=False))).metrics is None


def test_what_is_final_is_never_written_over(ledger):
    ledger.write([DONE])
    ledger.write([Run(point=0, path=1, state="failed", reason="late")])
    assert list(ledger.runs()) == [DONE]


def test_a_retry_becomes_what_it_ends_as(ledger):
    ledger.write([RETRY])
    final = Run(point=0, path=2, state="failed", attempts=3, kind="error", reason="no luck")
    ledger.write([final])
    assert list(ledger.runs()) == [final]
    assert ledger.forget_failures() == 1
    assert [(run.state, run.attempts) for run in ledger.runs()] == [("retry", 0)]


def test_a_batch_is_written_whole_or_not_at_all(ledger):
    broken = Run(point=0, path=3, state="gone")  # type: ignore[arg-type]
    with pytest.raises(sqlite3.IntegrityError):
        ledger.write([DONE, broken])
    assert list(ledger.runs()) == []
    ledger.write([DONE])  # and the connection still works


def test_it_is_durable_and_readable_while_it_is_open(ledger, tmp_path):
    ledger.write([DONE])
    reader = sqlite3.connect(tmp_path / LEDGER)
    assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert reader.execute("SELECT count(*) FROM runs").fetchone() == (1,)
    reader.close()
    assert ledger._database.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL


def test_only_one_at_a_time(ledger, tmp_path):
    with pytest.raises(InputError, match="another sweep is writing there"):
        Ledger(tmp_path)
    ledger.close()
    Ledger(tmp_path).close()


def test_the_plan_is_kept(ledger, tmp_path):
    assert ledger.plan() == {}
    ledger.set_plan({"paths": 3, "points": ["a"]})
    ledger.close()
    with Ledger(tmp_path) as again:
        assert again.plan() == {"paths": 3, "points": ["a"]}


def test_a_file_that_is_no_ledger_is_refused(tmp_path):
    (tmp_path / LEDGER).write_text("my notes, more than one line of them\n" * 40)
    with pytest.raises(InputError, match="is damaged"):
        Ledger(tmp_path)


def test_a_ledger_of_another_version_is_refused(tmp_path):
    with sqlite3.connect(tmp_path / LEDGER) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(InputError, match="another version"):
        Ledger(tmp_path)


def test_a_folder_that_cannot_be_written_is_a_run_error(tmp_path):
    with pytest.raises(RunError, match="cannot write"):
        Ledger(tmp_path / "missing")


@pytest.mark.parametrize("byte", [b"\xe1", b"\x00", b"\xff"])
def test_a_damaged_schema_is_damage_also_where_it_is_no_text(tmp_path, byte):
    with Ledger(tmp_path):
        pass
    file = tmp_path / "ledger.sqlite"
    whole = file.read_bytes()
    places = [at for at in range(len(whole)) if whole.startswith(b"CREATE TABLE", at)]
    assert places
    for at in places:
        for offset in (0, 7, 13, 15):
            damaged = bytearray(whole)
            damaged[at + offset : at + offset + 1] = byte
            file.write_bytes(damaged)
            for read_only in (True, False):
                with pytest.raises(InputError, match="is damaged"), Ledger(tmp_path, read_only=read_only):
                    pass
