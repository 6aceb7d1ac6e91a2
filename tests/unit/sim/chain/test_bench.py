"""What the speed comparison prints: a wrong trace fails, growth is an exponent, medians need one digest."""

import dataclasses

import pytest

from scripts import bench
from scripts.benchmarks.w2 import W2Result
from sim.core.errors import SeawallError

RESULT = W2Result(
    engine="native", mode="scan", traders=1000, steps=250, seed=1, seconds=2.0, steps_per_second=125.0,
    transactions=8361, view_calls=9, trace="0e4e6e05d238", matches_reference=True,
)  # fmt: skip
OTHER_SEED = dataclasses.replace(RESULT, seed=7, trace="abc", transactions=9, matches_reference=None)


def comparison(ours, **theirs):
    peers = {peer: [result] for peer, result in theirs.items()}
    return bench.W2Comparison("scan", ours.seed, {bench.OURS: [ours], **peers})


def test_a_trace_is_right_if_it_is_the_known_one_and_everybodys():
    assert comparison(RESULT).is_right()
    assert not comparison(dataclasses.replace(RESULT, trace="abc", matches_reference=False)).is_right()
    assert comparison(RESULT, verbs=RESULT).speed("verbs") == 125.0
    assert comparison(RESULT).speed("verbs") is None


def test_the_trace_of_another_seed_is_what_a_peer_prints():
    assert not comparison(OTHER_SEED).is_known()
    same = comparison(OTHER_SEED, simular=dataclasses.replace(OTHER_SEED, engine="simular"))
    assert same.is_known()
    assert same.is_right()
    for change in ({"trace": "abd"}, {"transactions": 10}):
        assert not comparison(OTHER_SEED, simular=dataclasses.replace(OTHER_SEED, **change)).is_right()


def test_growth_is_the_exponent_between_neighbours():
    cases = [
        {"accounts": 100, "seconds": 1.0, "setup_seconds": 1.0, "peak_memory_mib": 50.0},
        {"accounts": 1_000, "seconds": 10.0, "setup_seconds": 100.0, "peak_memory_mib": 50.0},
        {"accounts": 4_000, "seconds": 20.0, "setup_seconds": 400.0, "peak_memory_mib": 200.0},
    ]
    first, second = bench.growth(cases)
    assert (first["from"], first["to"], second["to"]) == (100, 1_000, 4_000)
    names = ("seconds", "setup_seconds", "peak_memory_mib")
    assert [first[name] for name in names] == pytest.approx([1.0, 2.0, 0.0])
    assert [second[name] for name in names] == pytest.approx([0.5, 1.0, 1.0])
    assert bench.growth(cases[:1]) == []


def test_repetitions_of_one_case_have_one_digest():
    run = {
        "digest": "a",
        "setup_seconds": 1.0,
        "seconds": 2.0,
        "blocks_per_second": 3.0,
        "phases": {"check": 1.0},
        "peak_memory_mib": 10.0,
    }
    assert bench.loop_medians([run, run | {"seconds": 4.0, "peak_memory_mib": 12.0}]) == run | {
        "seconds": 3.0,
        "peak_memory_mib": 12.0,
    }
    with pytest.raises(SeawallError, match="two digests"):
        bench.loop_medians([run, run | {"digest": "b"}])
