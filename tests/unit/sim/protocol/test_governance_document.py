"""The governance document states the calls that are registered, and an example that anyone can recompute."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sim.protocol.governance.proposal import diff, encode, rules
from sim.protocol.governance.setup import GOVERNOR
from tests.support.governed import Governed

DOCUMENT = (Path(__file__).resolve().parents[4] / "docs" / "governance.md").read_text()


def test_the_document_states_every_call_and_its_delay():
    for call in rules.CALLS:
        days = (rules.LONG_DELAY_SECONDS if call.is_long else rules.DELAY_SECONDS) // rules.DAY_SECONDS
        assert f"| `{call.contract}.{call.function}` | {days} days | {call.reason} |" in DOCUMENT
    for name, reason in rules.NEVER.items():
        assert f"| `{name}` | never | {reason} |" in DOCUMENT


def test_the_example_is_what_seawall_encodes():
    governed = Governed()
    current = replace(governed.parameters, fund={**governed.parameters.fund, "target_reserves": 20_000.0})
    proposed = replace(governed.parameters, fund={**governed.parameters.fund, "target_reserves": 25_000.0})
    found = diff(current, proposed, current_kind="adaptive", proposed_kind="adaptive")
    (proposal,) = encode(found, governed.deployment)
    words = "".join(DOCUMENT.split("```\npropose\n", 1)[1].split("```", 1)[0].split())
    assert words == proposal.propose
    assert proposal.execute in DOCUMENT
    assert proposal.target.lower()[2:] in words
    signature = governed.deployment.abis[GOVERNOR]["propose"].signature
    assert f"`{signature}`" in DOCUMENT
