import hashlib
import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.core.portable_math import exp
from sim.core.rng import Draw, Streams, path_seed, population_seed

MASK = 2**64 - 1


def philox_4x64_10(counter: tuple[int, ...], key: tuple[int, int]) -> tuple[int, ...]:
    """Return one block, straight from the paper (Salmon et al. 2011, section 3.3)."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = 0xD2E7470EE14C6C93 * c0, 0xCA5A826395121157 * c2
        c0, c1, c2, c3 = (p1 >> 64) ^ c1 ^ k0, p1 & MASK, (p0 >> 64) ^ c3 ^ k1, p0 & MASK
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & MASK, (k1 + 0xBB67AE8584CAA73B) & MASK
    return c0, c1, c2, c3


def key_of(seed: int, name: str) -> tuple[int, int]:
    digest = hashlib.sha256(f"seawall stream\0{seed}\0{name}".encode()).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:16], "little")


def test_the_reference_reproduces_the_published_vectors():
    # Random123 kat_vectors: philox4x64 10, all zeros and all ones.
    assert philox_4x64_10((0, 0, 0, 0), (0, 0)) == (
        0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B,
    )  # fmt: skip
    assert philox_4x64_10((MASK,) * 4, (MASK, MASK)) == (
        0x87B092C3013FE90B, 0x438C3C67BE8D0224, 0x9CC7D7C69CD777B6, 0xA09CAEBF594F0BA0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("seed", "name", "step"), [(0, "price", 0), (20_240_101, "agent:whale:0", 2**63 - 1)]
)
def test_words_are_philox_of_the_address(seed, name, step):
    draw = Streams(seed).draw(name, step)
    words = [*draw.words(5).tolist(), *draw.words(4).tolist()]
    blocks = [philox_4x64_10((block, 0, step, 0), key_of(seed, name)) for block in (1, 2, 3)]
    assert words == [*blocks[0], blocks[1][0], *blocks[2]]
    series = Streams(seed).series(name).words(2, 6).tolist()
    assert series == [
        *philox_4x64_10((1, 0, 0, 1), key_of(seed, name))[2:],
        *philox_4x64_10((2, 0, 0, 1), key_of(seed, name))[:2],
    ]


def test_a_draw_depends_on_its_address_only():
    alone = Streams(5).draw("order", 9).normal(6)
    streams = Streams(5)
    streams.draw("another agent", 9).uniform(1000)
    first = streams.draw("order", 9)
    interleaved = streams.draw("order", 8)
    interleaved.normal(3)
    assert np.array_equal(first.normal(6), alone)
    for other in (Streams(6).draw("order", 9), Streams(5).draw("order", 10), Streams(5).draw("orders", 9)):
        assert not np.any(other.normal(6) == alone)


def test_two_draws_may_be_read_in_turns():
    streams = Streams(1)
    a, b = streams.draw("a"), streams.draw("b")
    mixed = [a.uniform(3), b.uniform(3), a.uniform(3), b.uniform(3)]
    again = Streams(1).draw("b")
    assert np.array_equal(
        np.concatenate([mixed[1], mixed[3]]), np.concatenate([again.uniform(3), again.uniform(3)])
    )


@given(st.integers(0, 2**70), st.lists(st.integers(0, 300), min_size=1, max_size=6))
@settings(max_examples=40, deadline=None)
def test_a_series_does_not_depend_on_chunks(seed, cuts):
    edges = [0, *sorted(cuts), 301]
    series = Streams(seed).series("price")
    pieces = [series.normal(start, stop) for start, stop in itertools.pairwise(edges)]
    assert np.array_equal(np.concatenate(pieces), Streams(seed).series("price").normal(0, 301))


@pytest.mark.parametrize("method", ["uniform", "normal", "exponential"])
def test_small_and_large_requests_give_the_same_bits(method):
    small = Streams(3).draw("x")
    large: Draw = Streams(3).draw("x")
    joined = np.concatenate([getattr(small, method)(20) for _ in range(10)])
    assert np.array_equal(joined, getattr(large, method)(200))


@given(
    requests=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 300)), min_size=1, max_size=12),
    mirrored=st.sampled_from([(), ("fees",)]),
)
@settings(max_examples=30, deadline=None)
def test_lognormals_kept_for_coming_steps_are_those_of_a_draw(requests, mirrored):
    streams, deviation = Streams(8, mirrored=mirrored), 0.6
    for step, n in requests:
        draw = Streams(8, mirrored=mirrored).draw("fees", step)
        draw.normal(1)  # what came before: the group that is left out
        expected = exp(deviation * draw.normal(n))
        assert streams.lognormal("fees", step, n, deviation, first_group=1).tolist() == expected.tolist()


def test_what_is_kept_belongs_to_name_deviation_and_group():
    streams = Streams(3)
    asked = [("a", 0.5, 0), ("b", 0.5, 0), ("a", 0.4, 0), ("a", 0.5, 2), ("a", 0.5, 0)]
    found = [streams.lognormal(name, 7, 3, wide, first_group=group).tolist() for name, wide, group in asked]
    assert found[0] == found[-1]
    assert len({tuple(row) for row in found}) == len(asked) - 1


def test_kept_lognormals_cannot_be_changed_by_who_asked():
    row = Streams(3).lognormal("a", 0, 4, 0.5)
    with pytest.raises(ValueError, match="read-only"):
        row += 1.0


def test_integers_small_and_large_requests_agree():
    small, large = Streams(3).draw("x"), Streams(3).draw("x")
    joined = np.concatenate([small.integers(-5, 10**9, 20) for _ in range(10)])
    assert np.array_equal(joined, large.integers(-5, 10**9, 200))


def test_moments_of_every_distribution():
    n = 200_000
    draw = Streams(11).draw("moments")
    cases = [
        (draw.uniform(n), 0.5, 1 / 12, 1 / 80),
        (draw.normal(n), 0.0, 1.0, 3.0),
        (draw.exponential(n), 1.0, 1.0, 9.0),
        (draw.integers(0, 10, n).astype(float), 4.5, 8.25, 120.8625),
    ]
    for values, mean, variance, fourth in cases:
        assert abs(values.mean() - mean) < 4.5 * np.sqrt(variance / n)
        assert abs(np.mean((values - mean) ** 2) - variance) < 4.5 * np.sqrt((fourth - variance**2) / n)


def test_integers_are_uniform_and_within_bounds():
    values = Streams(2).draw("dice").integers(1, 7, 60_000)
    counts = np.bincount(values, minlength=7)
    assert counts[0] == 0
    assert len(counts) == 7
    assert float(np.sum((counts[1:] - 10_000) ** 2) / 10_000) < 20.5  # chi-square, 5 degrees, p = 0.001
    wide = Streams(2).draw("wide").integers(-(2**62), 2**62, 50)
    assert wide.min() >= -(2**62)
    assert wide.max() < 2**62
    assert len(np.unique(wide)) == 50


def test_uniforms_avoid_both_ends():
    values = Streams(8).draw("ends").uniform(100_000)
    assert 0.0 < values.min() < 1e-4
    assert 1 - 1e-4 < values.max() < 1.0


def test_a_permutation_of_nobody_or_one_uses_its_words_all_the_same():
    for n in (0, 1):
        draw, other = Streams(4).draw("x"), Streams(4).draw("x")
        assert draw.permutation(n).tolist() == list(range(n))
        other.words(n)
        assert draw.words(3).tolist() == other.words(3).tolist()


def test_permutation_is_one_and_each_order_is_as_likely():
    streams = Streams(4)
    assert sorted(streams.draw("p").permutation(1000).tolist()) == list(range(1000))
    counts: dict[tuple[int, ...], int] = {}
    for step in range(6000):
        order = tuple(streams.draw("p", step).permutation(3).tolist())
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 6
    assert sum((count - 1000) ** 2 / 1000 for count in counts.values()) < 20.5


@pytest.mark.parametrize("call", [
    lambda: Streams(-1),
    lambda: Streams(0).draw("x", -1),
    lambda: Streams(0).draw("x", 2**63),
    lambda: Streams(0).lognormal("x", -1, 3, 0.5),
    lambda: Streams(0).lognormal("x", 2**63 - 1, 3, 0.5),
    lambda: Streams(0).draw("x").integers(3, 3, 1),
    lambda: Streams(0).series("x").words(3, 2),
])  # fmt: skip
def test_wrong_addresses_are_refused(call):
    with pytest.raises(ValueError, match=r"must|need"):
        call()


def test_empty_requests_are_empty():
    assert Streams(0).draw("x").normal(0).shape == (0,)
    assert Streams(0).series("x").uniform(5, 5).shape == (0,)


def test_a_small_draw_takes_tens_of_microseconds_at_most():
    streams = Streams(1)
    for step in range(200):
        streams.draw("agent:liquidator:0:bid", step).uniform(2)
    best = min(_seconds_of(streams, start) for start in range(0, 5000, 500))
    assert best / 500 < 50e-6  # measured 3 us; the margin is for a busy machine


def _seconds_of(streams: Streams, start: int) -> float:
    begin = time.perf_counter()
    for step in range(start, start + 500):
        streams.draw("agent:liquidator:0:bid", step).uniform(2)
    return time.perf_counter() - begin


# --- seeds of paths, and mirrored streams ---


def test_derived_seeds_are_63_bits_of_sha_256():
    """Written out once more from its definition: a stored path number must mean the same for ever."""
    for derive, kind in ((path_seed, "path"), (population_seed, "population")):
        digest = hashlib.sha256(f"seawall seed\0{kind}\0{7}\0{3}".encode()).digest()
        assert derive(7, 3) == int.from_bytes(digest[:8], "little") >> 1
    assert (path_seed(7, 3), population_seed(7, 3)) == (9_014_509_486_519_295_392, 732_755_283_580_077_571)


def test_population_zero_has_the_seed_itself():
    assert population_seed(12_345, 0) == 12_345
    assert population_seed(12_345, 1) != 12_345


def test_no_two_paths_share_a_seed():
    found = [path_seed(seed, path) for seed in range(20) for path in range(200)]
    found += [population_seed(seed, number) for seed in range(20) for number in range(1, 200)]
    assert len(set(found)) == len(found)
    assert all(0 <= seed < 2**63 for seed in found)
    # Neighbours differ in half their bits, with a deviation of sqrt(63) / 2 = 4 each.
    flips = [int.bit_count(path_seed(1, path) ^ path_seed(1, path + 1)) for path in range(400)]
    assert abs(np.mean(flips) - 31.5) < 4.5 * np.sqrt(63) / 2 / np.sqrt(400)


@pytest.mark.parametrize("derive", [path_seed, population_seed])
def test_negative_numbers_have_no_seed(derive):
    with pytest.raises(ValueError, match="must not be negative"):
        derive(1, -1)
    with pytest.raises(ValueError, match="must not be negative"):
        derive(-1, 1)


@pytest.mark.parametrize("n", [3, 400])  # both ways of making floats
def test_mirrored_streams_are_exact_complements(n):
    plain, mirror = Streams(5), Streams(5, mirrored=("price:",))
    for name in ("price:ETH:diffusion", "price:BTC"):
        for one, other in (
            (plain.draw(name, 4), mirror.draw(name, 4)),
            (plain.series(name), mirror.series(name)),
        ):
            span = (n,) if isinstance(one, Draw) else (2, 2 + n)
            assert np.array_equal(one.words(*span), ~other.words(*span))
            assert np.array_equal(one.uniform(*span), 1.0 - other.uniform(*span))
            assert np.array_equal(one.normal(*span), -other.normal(*span))


def test_other_streams_are_not_mirrored():
    plain, mirror = Streams(5), Streams(5, mirrored=("price:",))
    for name in ("price", "order", "agent:price:"):
        assert np.array_equal(plain.draw(name, 1).words(9), mirror.draw(name, 1).words(9))
        assert np.array_equal(plain.series(name).words(0, 9), mirror.series(name).words(0, 9))
