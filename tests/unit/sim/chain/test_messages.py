"""A recorded run is the whole of what its engine was asked: any engine gives the same answers to it."""

import pytest

from scripts.benchmarks import messages
from sim.chain.chain import engines_here
from sim.core.errors import RunError

pytestmark = pytest.mark.skipif(
    not {"native", "revm"} <= set(engines_here()), reason="native and revm are not both on this machine"
)


@pytest.fixture(scope="module")
def recording():
    return messages.record(accounts=60, blocks=30)


def test_engines_answer_a_recording_alike(recording):
    names = [name for name, _ in recording.blocks]
    assert names.count("start_block") == names.count("end_block") == 30
    assert {"transact", "call"} < set(names)
    assert [name for name, _ in recording.set_up].count("deploy") > 6
    native, revm = messages.compare(recording, ["native", "revm"], repetitions=2)
    assert (native.messages, revm.messages) == (len(names), len(names))
    assert len(native.seconds) == len(revm.seconds) == 2
    assert min(native.seconds) > 0.0


def test_a_different_answer_is_an_error(recording, monkeypatch):
    class Wrong(messages.NativeBackend):
        def call(self, sender, to, data):
            return super().call(sender, to, data)._replace(output=b"")

    monkeypatch.setattr(messages, "Wrong", Wrong, raising=False)
    monkeypatch.setitem(messages.ENGINES, "revm", ("scripts.benchmarks.messages", "Wrong"))
    with pytest.raises(RunError, match=r"revm answers message \d+ differently than native"):
        messages.compare(recording, ["native", "revm"], repetitions=1)
