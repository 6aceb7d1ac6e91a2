"""What a plug-in's agent returns is looked at before it is sent: exit 2 with the file, not "internal error".

Neither fault is in a line of the plug-in: the loop stumbled over None, and -1 was the last account of all.
"""

from pathlib import Path

import pytest

from sim.cli.entry import main

SELLERS = Path(__file__).parents[1] / "support" / "extension" / "agent_sudden_sellers.py"
SMALL = Path(__file__).parents[1] / "support" / "small_run.toml"
RETURNED = "return [actions.decrease_position(self.name, self._actors, 0, every, NO_LIMIT, fees)]"
EARLY = "            return []\n"

FAULTS = {
    "return": "decide returned None; it must be a list of batches, an empty one for none",
    "return 7": "decide returned 7 (int); it must be a list",
    "return [None]": "decide returned, as item 0, None; it must be a batch of sim.protocol.actions",
    "return [actions.deposit(self.name, self._actors, self._actors, 5, fees), 'x']": "as item 1, 'x' (str)",
    "return [actions.decrease_position(self.name, [-1], 0, 1, NO_LIMIT, fees)]": "participant -1 in trading_",
    "return [actions.decrease_position(self.name, [10**6], 0, 1, NO_LIMIT, fees)]": "participant 1000000 in",
    "return [actions.deposit(self.name, self._actors, -1, 5, fees)]": "participant -1 in trading_",
    "return [actions.liquidate(self.name, self._actors, 10**6, 0, fees)]": "participant 1000000 in liq",
    "return [actions.auto_deleverage(self.name, 0, 0, 0, [-1], fees)]": "participant -1 in loss",
    "return [actions._batch(self.name, 'trading_desk.seize', [0], (1,), fees)]": "seize', which",
    "return [actions.withdraw(self.name, self._actors, -5, fees)]": "arguments that are none of it",
    "return [actions.withdraw(self.name, self._actors, 'a', fees)]": None,
    "return [actions.withdraw(self.name, self._actors, 5, Fees(-1, 0))]": "fees [-1",
    "return [actions._batch(self.name, 'trading_desk.withdraw', [0], (1, 2, 3), fees)]": "none of it",
}  # fmt: skip


def run(plugin, out):
    words = ["run", str(SMALL), "--plugin", str(plugin), "--blocks", "4", "--worlds=none", "--out", str(out)]
    for change in ("traders.0.count=4", "sudden_sellers.count=2", "sudden_sellers.at_block=2"):
        words += ["--set", change]
    return main(words)


def altered(folder, new):
    source = SELLERS.read_text()
    assert source.count(RETURNED) == 1
    plugin = folder / "sellers.py"
    plugin.write_text(source.replace(RETURNED, new))
    return plugin


@pytest.mark.parametrize("new", FAULTS)
def test_what_cannot_be_sent_is_told_with_file_agent_and_block(tmp_path, capsys, new):
    plugin = altered(tmp_path, new)
    told = FAULTS[new]
    assert run(plugin, tmp_path / "out") == (3 if told is None else 2)
    error = capsys.readouterr().err
    assert "internal error" not in error
    if told is None:
        assert f"{plugin}:" in error, "a line of the plug-in itself is named with its number"
    else:
        assert f"seawall: {plugin}: agent sudden_sellers in block 2: decide returned" in error
        assert told in error


@pytest.mark.parametrize("new", [RETURNED, RETURNED.replace("return [", "yield ").replace("fees)]", "fees)")])
def test_what_can_be_sent_is_as_before(tmp_path, new):
    plugin = altered(tmp_path, new)
    plugin.write_text(plugin.read_text().replace(EARLY, "            return\n" if "yield" in new else EARLY))
    assert run(plugin, tmp_path / "out") == 0
