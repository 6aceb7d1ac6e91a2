import numpy as np
import pytest

from sim.experiments.decision.bounds import MeanWeights
from sim.experiments.decision.endpoints import Endpoint
from sim.experiments.decision.needed import paths_needed
from sim.experiments.decision.results import Cell, Rule
from sim.experiments.decision.verdict import Word, confirmed, decide

N = 300
RULE = Rule()
WEIGHTS = MeanWeights(1, 1_999)

LOSS = Endpoint(
    metric="loss", role="solvency", statistic="mean", margin=0.1, largest=2.0, direction=1, superiority=True
)
RUIN = Endpoint(
    metric="ruin", role="solvency", statistic="probability", margin=0.05, largest=1.0, direction=1
)
SWING = Endpoint(metric="swing", role="guardrail", statistic="mean", margin=0.2, largest=3.0, direction=1)
COST = Endpoint(
    metric="cost", role="efficiency", statistic="mean", margin=0.2, largest=3.0, direction=1, superiority=True
)
ENDPOINTS = (LOSS, RUIN, SWING, COST)


def cell(name="linear", seed=0, n=N, **shift):
    """Current: noise. Proposed: the same noise moved by `shift`, and a little of its own."""
    rng = np.random.default_rng(seed)
    current, proposed = {}, {}
    for endpoint in ENDPOINTS:
        if endpoint.statistic == "probability":
            current[endpoint.metric] = np.zeros(n)
            proposed[endpoint.metric] = np.zeros(n)
            proposed[endpoint.metric][: round(shift.get(endpoint.metric, 0.0) * n)] = 1.0
            continue
        base = rng.normal(1.0, 0.3, n)
        current[endpoint.metric] = base
        proposed[endpoint.metric] = base + shift.get(endpoint.metric, 0.0) + rng.normal(0.0, 0.05, n)
    return Cell(name=name, current=current, proposed=proposed)


def verdict(*cells, endpoints=ENDPOINTS, rule=RULE, **options):
    return decide(cells, endpoints, rule, seed=1, weights=WEIGHTS, **options)


@pytest.mark.parametrize(
    ("shifts", "word", "because"),
    [
        ([{}, {}], Word.NOT_WORSE, "within every margin"),
        ([{"loss": -0.3}, {"loss": -0.3}], Word.BETTER, "better on loss"),
        ([{"cost": -0.5}, {"cost": -0.5}], Word.BETTER, "better on cost"),
        ([{"swing": -0.5}, {"swing": -0.5}], Word.NOT_WORSE, "better on nothing"),  # no superiority endpoint
        ([{"loss": 0.3}, {"loss": 0.3}], Word.WORSE, "certainly by more than its margin of 0.100"),
        ([{}, {"loss": 0.3}], Word.WORSE, "in two, certainly by more"),
        ([{}, {"ruin": 0.2}], Word.WORSE, 'the probability of "ruin" is worse'),
        ([{"swing": 0.6}, {}], Word.WORSE, "swing is worse"),
        ([{"cost": 0.6}, {}], Word.UNDETERMINED, "costs 0.30"),
        ([{"loss": -0.3, "cost": 0.6}] * 2, Word.UNDETERMINED, "a trade-off: costs 0.6"),
        ([{"loss": 0.1}, {}], Word.UNDETERMINED, "loss may be worse by up to 0.1"),  # on the margin
        ([{"ruin": 0.03}, {}], Word.UNDETERMINED, '"ruin" may be worse by up to 0.0'),
        (
            [{"loss": -0.3, "ruin": 0.03}] * 2,
            Word.UNDETERMINED,
            '"ruin" may be worse by up to 0.0',
        ),
        ([{"loss": -0.3, "ruin": 0.2}] * 2, Word.WORSE, 'the probability of "ruin" is worse'),
        ([{"loss": -0.3}, {"loss": 0.05}], Word.UNDETERMINED, "loss changes sign between models"),
        ([{"loss": -0.3}, {"loss": 0.3}], Word.WORSE, "loss is worse by 0.3"),
        ([{"swing": -0.1}, {"swing": 0.1}], Word.UNDETERMINED, "swing changes sign"),
        ([{"loss": -0.3}, {}], Word.BETTER, "better on loss"),  # on average, and no cell contradicts
    ],
)
def test_words(shifts, word, because):
    names = ("one", "two")
    found = verdict(
        *(cell(name, seed, **shift) for seed, (name, shift) in enumerate(zip(names, shifts, strict=True)))
    )
    assert found.word is word
    assert any(because in reason for reason in found.reasons), found.reasons


def test_efficiency_alone_never_says_worse():
    """Absence of evidence for a benefit is no evidence of its absence (finding G)."""
    found = verdict(*(cell(name, seed, cost=0.6, loss=-0.003) for seed, name in enumerate(("one", "two"))))
    assert found.word is Word.UNDETERMINED
    said = found.reasons[0]
    assert said.startswith("costs 0.60")
    assert "a benefit of 0.00" in said
    assert "in loss could not be shown with 300 paths; about" in said
    assert found.priced == said
    assert not verdict(cell(cost=0.1)).priced
    assert not verdict(cell("one", 1, loss=0.1)).priced
    none = verdict(*(cell(name, seed, cost=0.6, loss=0.02) for seed, name in enumerate(("one", "two"))))
    assert none.word is Word.UNDETERMINED
    assert "no endpoint was better on these 300 paths" in none.reasons[0]


def test_an_endpoint_has_one_reason_whatever_the_number_of_cells():
    found = verdict(*(cell(f"model {seed}", seed, loss=0.3, swing=0.6) for seed in range(6)))
    assert len(found.reasons) == 2
    assert "(and beyond it in 5 more cells)" in found.reasons[0]
    open_ = verdict(*(cell(f"model {seed}", seed, loss=0.1) for seed in range(6)))
    assert len(open_.reasons) == 1
    assert open_.reasons[0].endswith("(in every cell)")
    some = verdict(*(cell(f"model {seed}", seed, loss=0.1 if seed < 2 else 0.0) for seed in range(6)))
    assert "and 1 more cell)" in some.reasons[0]


@pytest.mark.parametrize("effect", [-0.01, -0.03])
def test_as_many_paths_as_are_named_show_the_benefit(effect):
    """The number comes from 300 paths, and is tried on fresh ones: the power is what was promised."""
    rule, rng = Rule(), np.random.default_rng(4)

    def sample(n):
        noise = rng.normal(0.0, 0.2, n) + rng.exponential(0.1, n) - 0.1
        return Cell(name="one", current={"loss": np.zeros(n)}, proposed={"loss": noise + effect})

    # Of a pilot whose improvement is the true one; by chance it is larger or smaller, and the number with it.
    pilot = sample(300)
    pilot.proposed["loss"][:] += effect - pilot.proposed["loss"].mean()
    needed = paths_needed(verdict(pilot, endpoints=[LOSS]).pooled[0], rule, 1)
    assert needed > 300
    shown = sum(verdict(sample(needed), endpoints=[LOSS]).pooled[0].superior for _ in range(60))
    assert 0.65 <= shown / 60 <= 1.0
    short = sum(verdict(sample(needed // 6), endpoints=[LOSS]).pooled[0].superior for _ in range(60))
    assert short < shown - 15


def test_no_number_of_paths_is_named_where_none_can_be():
    rule = Rule()

    def pooled(harm, endpoint=LOSS):
        one = Cell(name="one", current={"loss": np.zeros(len(harm))}, proposed={"loss": harm})
        return verdict(one, endpoints=[endpoint]).pooled[0]

    rng = np.random.default_rng(5)
    assert paths_needed(pooled(rng.normal(0.2, 0.1, 100)), rule, 1) is None  # harm, no benefit
    assert paths_needed(pooled(np.full(100, -0.2)), rule, 1) is None  # no spread
    assert paths_needed(pooled(np.zeros(100)), rule, 1) is None
    assert paths_needed(pooled(rng.normal(-0.2, 0.1, 20)), rule, 1) is None  # too few to be used at all
    faint = rng.normal(0.0, 1.0, 100)
    faint += -1e-6 - faint.mean()
    assert paths_needed(pooled(faint), rule, 1) is None  # more than ten million


def test_with_books_the_number_is_of_paths_in_books_of_the_same_size():
    rule, rng = Rule(), np.random.default_rng(6)
    books = np.arange(400) % 20
    luck = rng.normal(0.0, 0.1, 20)
    harm = luck[books] + rng.normal(0.0, 0.1, 400)
    harm += -0.01 - harm.mean()
    one = Cell(name="one", current={"loss": np.zeros(400)}, proposed={"loss": harm})
    alone = paths_needed(verdict(one, endpoints=[LOSS]).pooled[0], rule, 1)
    linked = paths_needed(verdict(one, endpoints=[LOSS], books=books).pooled[0], rule, 1)
    assert linked > 5 * alone


def test_a_flip_is_named_with_its_cells():
    found = verdict(cell("a", 1, loss=-0.3), cell("b", 2, loss=0.04), cell("c", 3))
    assert [(flip.endpoint, flip.helped_in, flip.harmed_in) for flip in found.flips] == [
        ("loss", ("a",), ("b",))
    ]
    assert found.word is Word.UNDETERMINED
    assert [item.word for item in found.cells] == [Word.BETTER, Word.NOT_WORSE, Word.NOT_WORSE]


def test_where_less_is_worse_the_sign_turns():
    endpoint = Endpoint(
        metric="loss",
        role="solvency",
        statistic="mean",
        margin=0.1,
        largest=2.0,
        direction=-1,
        superiority=True,
    )
    assert verdict(cell(loss=0.3), endpoints=[endpoint]).word is Word.BETTER
    worse = verdict(cell(loss=-0.3), endpoints=[endpoint])
    assert worse.word is Word.WORSE
    result = worse.results[0]
    assert result.difference == pytest.approx(-0.3, abs=0.02)
    assert result.lower < result.difference < result.upper < 0.0
    assert result.harm_upper == -result.lower


def test_identical_parameters_are_not_worse_with_zero_exactly():
    one = cell()
    same = Cell(name="one", current=one.current, proposed=dict(one.current))
    found = verdict(same, identical=True)
    assert found.word is Word.NOT_WORSE
    assert found.identical
    assert all(result.difference == 0.0 for result in found.results)
    assert "identical" in found.reasons[0]
    with pytest.raises(ValueError, match="the same parameters gave different numbers"):
        verdict(one, identical=True)


def test_identical_parameters_need_no_number_of_paths():
    one = cell(n=3)
    same = Cell(name="one", current=one.current, proposed=dict(one.current))
    assert verdict(same, identical=True).word is Word.NOT_WORSE


@pytest.mark.parametrize("n", [1, 2, 3, 20, 71])
def test_few_paths_never_decide(n):
    for shift in (-5.0, 0.0, 5.0):
        found = verdict(cell(n=n, loss=shift, cost=shift))
        assert found.word is Word.UNDETERMINED
        assert f"{n} paths are too few, 72 are needed" in found.reasons[0]
        assert not found.priced
        assert not found.flips


def test_noise_is_undetermined():
    rng = np.random.default_rng(8)
    noisy = {metric: rng.normal(0.0, 3.0, 100) for metric in ("loss", "ruin", "swing", "cost")}
    other = {metric: rng.normal(0.0, 3.0, 100) for metric in noisy}
    noisy["ruin"], other["ruin"] = np.zeros(100), np.zeros(100)
    found = verdict(Cell(name="one", current=noisy, proposed=other))
    assert found.word is Word.UNDETERMINED
    loss = found.results[0]
    assert loss.detectable > 2.0 * loss.endpoint.margin  # and the report says what n could have seen


def test_without_a_loss_in_either_arm_the_bound_is_what_one_unseen_path_could_hide():
    quiet = Cell(name="one", current={"loss": np.zeros(N)}, proposed={"loss": np.zeros(N)})
    assert verdict(quiet, endpoints=[LOSS]).word is Word.NOT_WORSE
    tight = Endpoint(
        metric="loss",
        role="solvency",
        statistic="mean",
        margin=0.02,
        largest=2.0,
        direction=1,
        superiority=True,
    )
    found = verdict(quiet, endpoints=[tight])  # 2 * (1 - 0.025 ** (1 / 300)) = 0.0244 is above 0.02
    assert found.word is Word.UNDETERMINED
    assert "no path differs in loss, and 300 can hide a harm of up to 0.02" in found.reasons[0]
    assert found.results[0].upper == pytest.approx(0.0244, rel=0.15)
    assert found.results[0].difference == 0.0
    assert found.results[0].variance_factor is None


def test_a_constant_improvement_is_better():
    level = np.full(N, 0.5)
    constant = Cell(name="one", current={"loss": level}, proposed={"loss": level - 0.2})
    found = verdict(constant, endpoints=[LOSS])
    assert found.word is Word.BETTER
    assert found.pooled[0].variance_factor is None


def test_missing_in_both_arms_is_left_out_and_counted():
    one = cell(loss=-0.3)
    for arm in (one.current, one.proposed):
        arm["loss"][:40] = np.nan
    found = verdict(one)
    assert found.word is Word.BETTER
    assert (found.results[0].n, found.results[0].missing_both, found.results[0].missing_one) == (
        N - 40,
        40,
        0,
    )


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_missing_in_one_arm_is_undetermined_beyond_the_tolerance(value):
    one = cell(loss=-0.3)
    one.proposed["loss"][:3] = value  # 1 % of 300: tolerated
    assert verdict(one).word is Word.BETTER
    one.proposed["loss"][:4] = value
    found = verdict(one)
    assert found.word is Word.UNDETERMINED
    assert "4 of 300 paths have a value in one arm only" in found.reasons[0]


def test_a_metric_without_any_value_is_undetermined():
    one = cell()
    one.current["loss"][:] = np.nan
    one.proposed["loss"][:] = np.nan
    found = verdict(one)
    assert found.word is Word.UNDETERMINED
    assert "no path has a value" in found.reasons[0]


def test_too_few_values_of_one_metric_are_undetermined():
    one = cell()
    for arm in (one.current, one.proposed):
        arm["loss"][60:] = np.nan
    found = verdict(one)
    assert "60 paths with a value, 72 are needed" in found.reasons[0]


def test_pooling_drops_a_path_that_any_cell_lacks():
    first, second = cell("a", 1), cell("b", 2)
    for arm in (second.current, second.proposed):
        arm["loss"][5] = np.nan
    found = verdict(first, second)
    assert found.pooled[0].n == N - 1
    kept = np.delete(np.arange(N), 5)
    expected = np.mean(
        [item.proposed["loss"][kept] - item.current["loss"][kept] for item in (first, second)], axis=0
    )
    assert found.pooled[0].difference == pytest.approx(expected.mean())


def test_events_count_discordant_paths():
    one = cell()
    one.current["ruin"][:10] = 1.0
    one.proposed["ruin"][8:13] = 1.0
    result = verdict(one).results[1]
    assert (result.only_current, result.only_proposed, result.differing) == (8, 3, 11)
    assert result.difference == pytest.approx(-5 / N)
    assert result.mcnemar == pytest.approx(0.2265625)  # 2 P(Bin(11, 1/2) <= 3)


def test_expected_shortfall_is_the_mean_of_the_worst_share():
    endpoint = Endpoint(
        metric="loss", role="solvency", statistic="expected_shortfall", margin=5.0, largest=3.0, direction=1,
        tail=0.1,
    )  # fmt: skip
    one = cell(loss=0.2)
    result = verdict(one, endpoints=[endpoint, COST]).results[0]
    worst = np.sort(one.proposed["loss"])[-30:].mean() - np.sort(one.current["loss"])[-30:].mean()
    assert result.difference == pytest.approx(worst, rel=1e-9)
    assert result.proposed == pytest.approx(np.sort(one.proposed["loss"])[-30:].mean(), rel=1e-9)
    assert result.endpoint.name == "loss ES 0.1"
    few = verdict(cell(n=90), endpoints=[endpoint, COST])
    assert "rests on 9 paths, 10 are needed" in few.reasons[0]


def test_superiority_must_beat_its_threshold():
    easy = Endpoint(
        metric="loss", role="solvency", statistic="mean", margin=0.1, largest=2.0, direction=1,
        superiority=True, threshold=0.25,
    )  # fmt: skip
    assert verdict(cell(loss=-0.4), endpoints=[easy]).word is Word.BETTER
    assert verdict(cell(loss=-0.2), endpoints=[easy]).word is Word.NOT_WORSE


def test_the_same_arguments_give_the_same_decision():
    cells = [cell("a", 1, loss=-0.02), cell("b", 2)]
    assert decide(cells, ENDPOINTS, RULE, seed=4) == decide(cells, ENDPOINTS, RULE, seed=4)


def test_detectable_effect_is_detected_with_the_stated_power():
    n, repetitions, found = 150, 120, 0
    rng = np.random.default_rng(12)
    effect = None
    for _ in range(repetitions):
        base, noise = rng.normal(size=n), rng.normal(0.0, 0.5, n)
        shift = 0.0 if effect is None else -effect
        one = Cell(name="one", current={"loss": base}, proposed={"loss": base + noise + shift})
        result = verdict(one, endpoints=[LOSS]).pooled[0]
        effect = effect or result.detectable
        found += result.superior
    assert abs(found / repetitions - 0.8) < 0.1 + 4.5 * np.sqrt(0.16 / repetitions)


@pytest.mark.parametrize(
    ("first", "fresh", "word"),
    [
        (Word.BETTER, Word.BETTER, Word.BETTER),
        (Word.BETTER, Word.NOT_WORSE, Word.NOT_WORSE),
        (Word.BETTER, Word.UNDETERMINED, Word.UNDETERMINED),
        (Word.BETTER, Word.WORSE, Word.WORSE),
    ],
)
def test_confirmation_takes_the_less_favourable_word(first, fresh, word):
    shift = {Word.BETTER: -0.3, Word.NOT_WORSE: 0.0, Word.UNDETERMINED: 0.1, Word.WORSE: 0.4}
    decisions = [verdict(cell(seed=seed, loss=shift[item])) for seed, item in enumerate((first, fresh))]
    assert [decision.word for decision in decisions] == [first, fresh]
    assert confirmed(*decisions) is word


def test_refuses_what_cannot_be_paired():
    with pytest.raises(ValueError, match="all arms need the same paths"):
        verdict(cell("a"), cell("b", n=N - 1))
    with pytest.raises(ValueError, match="at least one cell"):
        decide([], ENDPOINTS, RULE, seed=1)


def test_an_average_improvement_that_one_cell_contradicts_is_no_superiority():
    """Noise that cancels between two cells: neither is significant, their average is, a third is harmed."""
    rng = np.random.default_rng(3)
    wide = Endpoint(
        metric="loss",
        role="solvency",
        statistic="mean",
        margin=5.0,
        largest=1.0,
        direction=1,
        superiority=True,
    )
    noise, zero = rng.normal(0.0, 3.0, N), np.zeros(N)
    noise -= noise.mean()
    harms = {"a": noise - 0.4, "b": -noise - 0.4, "c": 0.3 + rng.normal(0.0, 0.01, N)}

    def found(*names):
        cells = [Cell(name=name, current={"loss": zero}, proposed={"loss": harms[name]}) for name in names]
        return verdict(*cells, endpoints=[wide])

    assert found("a", "b").word is Word.BETTER
    contradicted = found("a", "b", "c")
    assert not contradicted.flips
    assert contradicted.results[2].harmed
    assert contradicted.pooled[0].upper < 0.0
    assert not contradicted.pooled[0].superior
    assert contradicted.word is Word.NOT_WORSE
