"""Plug-ins end with what they declared, and what they do wrong is said with their file and line.

In a process that had not run anything yet, what ships was taken for the first plug-in's own and went with it:
the second `sim.run` knew no agent. A plug-in could replace what ships, take a key of the scenario, and its
prints stood between the braces of ``--json``.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sim.cli.entry import main
from sim.core.errors import InputError
from sim.core.plugins import Plugin, loaded
from sim.core.registry import Registry, registries
from sim.engine.scenario.compose import scenario_class
from sim.experiments.suites.evidence import suite_markdown
from sim.experiments.suites.suite import SuiteResult
from tests.support.plugin_things import THINGS
from tests.support.small_run import SCENARIO
from tests.support.small_sweep import small_experiment

ROOT = Path(__file__).parents[2]
AGENT = ROOT / "tests" / "support" / "extension" / "agent_sudden_sellers.py"
STAIRCASE = AGENT.with_name("price_process_staircase.py")
LATER = "if state.block != self._section.at_block or not len(self._actors):"


@pytest.fixture
def write(tmp_path):
    def _write(text: str) -> Path:
        (path := tmp_path / "mine.py").write_text(text)
        return path

    return _write


def test_a_fresh_process_runs_twice_with_a_plug_in_and_once_without(tmp_path):
    (tmp_path / "tiny.toml").write_bytes(SCENARIO.read_bytes())
    script = f"""
from sim import run
given = dict(worlds="none", blocks=3)
first = run("tiny.toml", plugins=[{str(AGENT)!r}], changes={{"sudden_sellers.count": 2}}, out="one", **given)
second = run("tiny.toml", plugins=[{str(AGENT)!r}], changes={{"sudden_sellers.count": 2}}, out="two", **given)
third = run("tiny.toml", out="three", **given)
print(first.digest == second.digest, second.digest == third.digest)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout == "True False\n", done.stderr


@pytest.mark.parametrize(
    "text",
    [
        "from sim.agents.kind import AGENTS\nAGENTS.all()\nAGENTS.remove('whales')\n",
        "from sim.agents.kind import AGENTS as A\nK = type(A['whales'])\nA.remove('whales')\nA.add(K())\n",
    ],
)
def test_what_ships_is_neither_taken_away_nor_replaced(write, text):
    held = [registry.declared() for registry in registries()]
    with pytest.raises(InputError, match="replaces the agent 'whales'"), loaded([Plugin.read(write(text))]):
        raise AssertionError("must not be reached")
    assert [registry.declared() for registry in registries()] == held


@pytest.mark.parametrize("name", ["My Agent!", "a:b", "", "Capital", "9lives", "a\n"])
def test_a_name_that_is_no_word_is_refused(name):
    things = Registry("thing", "sim.core.documents")
    with pytest.raises(InputError, match="a name is small letters"):
        things.add(type("One", (), {"name": name, "order": 1}))


def test_what_has_no_name_or_place_is_refused():
    for one in (3, type("One", (), {"name": "word"})):
        with pytest.raises(InputError, match="lacks a name"):
            THINGS.add(one)


@pytest.mark.parametrize("key", ["markets", "seed", "kinds"])
def test_an_agent_does_not_take_a_key_of_the_scenario(write, key):
    plugin = Plugin.read(write(AGENT.read_text().replace('"sudden_sellers"', f'"{key}"')))
    with loaded([plugin]), pytest.raises(InputError, match=f"agent '{key}': a scenario has such a key"):
        scenario_class()


def test_an_agent_that_is_no_agent_is_refused(write):
    text = "from sim.agents.kind import AGENTS\nclass Half: name, order = 'half', 1\nAGENTS.add(Half())\n"
    with (
        loaded([Plugin.read(write(text))]),
        pytest.raises(InputError, match="'half': must be an Agent"),
    ):
        scenario_class()


@pytest.fixture
def failing(write):
    text = AGENT.read_text().replace(LATER, f'raise RuntimeError("boom\\nbang")\n        {LATER}')
    path = write(text)
    return path, f"{path}:{text[: text.index('raise RuntimeError')].count(chr(10)) + 1}: RuntimeError: boom"


def test_an_agent_that_fails_is_named_with_its_line(tmp_path, capsys, failing):
    path, words = failing
    (scenario := tmp_path / "tiny.toml").write_bytes(SCENARIO.read_bytes())
    options = ["--set", "sudden_sellers.count=1", "--blocks", "2", "--out", str(tmp_path / "run")]
    assert main(["run", str(scenario), "--plugin", str(path), *options]) == 3
    assert capsys.readouterr().err.splitlines()[-1] == f"seawall: {words}"


def test_a_sweep_names_it_too(tmp_path, capsys, failing):
    path, words = failing
    experiment = small_experiment(tmp_path)
    scenario = tmp_path / "small_run.toml"
    scenario.write_text(scenario.read_text() + "\n[sudden_sellers]\ncount = 1\n")
    arguments = ["sweep", str(experiment), "--workers", "0", "--out", str(tmp_path / "sweep")]
    assert main([*arguments, "--plugin", str(path)]) == 3
    copy = tmp_path / "sweep" / "inputs" / "plugins" / "mine.py"
    told = capsys.readouterr().err
    assert words in told or words.replace(str(path), str(copy)) in told


def test_what_a_plug_in_prints_is_not_among_the_results(write, capsys):
    path = write(f'{AGENT.read_text()}\nprint("hello")\n')
    assert main(["schema", "--plugin", str(path)]) == 0
    told = capsys.readouterr()
    assert "sudden_sellers" in json.loads(told.out)["properties"]
    assert told.err == "hello\n"


def test_evidence_says_how_to_name_the_plug_ins():
    result = SuiteResult(outcomes=())
    assert "--plugin" not in suite_markdown(result)
    with loaded([Plugin.read(AGENT)]):
        assert f"`./rerun --plugin PATH/{AGENT.name}`" in suite_markdown(result)


def test_a_process_that_gives_another_number_of_returns_is_bad_input(tmp_path, capsys):
    text = STAIRCASE.read_text().replace("np.zeros(draw.clock.blocks)", "np.zeros(3)")
    (path := tmp_path / "mine.py").write_text(text)
    (scenario := tmp_path / "tiny.toml").write_bytes(SCENARIO.read_bytes())
    options = ["--set", 'markets.0.price={kind="staircase",every_blocks=1}', "--blocks", "5"]
    assert main(["run", str(scenario), "--plugin", str(path), *options, "--out", str(tmp_path / "run")]) == 2
    assert "3 returns for 5 blocks" in capsys.readouterr().err


def test_a_law_that_gives_no_number_is_bad_input(tmp_path, capsys):
    text = AGENT.with_name("impact_law_steep.py").read_text()
    (path := tmp_path / "mine.py").write_text(text.replace("self.steepness * ONE_PERCENT", 'float("inf")', 1))
    (scenario := tmp_path / "tiny.toml").write_bytes(SCENARIO.read_bytes())
    options = ["--set", 'markets.0.impact={law="steep"}', "--blocks", "5", "--out", str(tmp_path / "run")]
    assert main(["run", str(scenario), "--plugin", str(path), *options]) == 2
    assert "impact law 'steep': gives nan at 0 depths: not finite" in capsys.readouterr().err


@pytest.mark.parametrize(("value", "was"), [("10 ** 400", "beyond any float"), ('float("nan")', "was nan")])
def test_a_metric_that_no_table_can_hold_is_named(tmp_path, capsys, value, was):
    text = AGENT.with_name("metric_reverted_share.py").read_text()
    (path := tmp_path / "mine.py").write_text(
        text.replace("measure=_reverted_share", f"measure=lambda run: {value}")
    )
    (scenario := tmp_path / "tiny.toml").write_bytes(SCENARIO.read_bytes())
    options = ["--plugin", str(path), "--blocks", "2", "--out", str(tmp_path / "run")]
    assert main(["run", str(scenario), *options]) == 3
    told = capsys.readouterr().err.splitlines()[-1]
    assert told.startswith("seawall: metric reverted_share: must be a finite number")
    assert told.endswith(was)


def test_a_group_that_is_called_as_another_is_refused(tmp_path, capsys):
    text = AGENT.read_text().replace("Group(name=self.name", 'Group(name="keepers:0"')
    (path := tmp_path / "mine.py").write_text(text)
    (scenario := tmp_path / "tiny.toml").write_bytes(SCENARIO.read_bytes())
    options = ["--plugin", str(path), "--blocks", "2", "--out", str(tmp_path / "run")]
    assert main(["run", str(scenario), *options]) == 2
    told = capsys.readouterr().err.splitlines()[-1]
    assert told == "seawall: agent 'sudden_sellers': a group 'keepers:0' exists; rename it"


def test_the_digest_script_names_what_it_lacks(tmp_path):
    script = ROOT / "scripts" / "recompute_digest.py"
    done = subprocess.run(
        [sys.executable, "-I", "-S", script, tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "recompute_digest: needs pyarrow: activate an environment that has it\n"


def test_a_file_that_is_not_regular_is_called_so(tmp_path):
    os.mkfifo(tmp_path / "pipe.py")
    with pytest.raises(InputError, match="is no regular file"):
        Plugin.read(tmp_path / "pipe.py")
