"""JUnit XML: what a CI system reads out of it."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from sim.core.errors import RunError
from sim.experiments.suites.coverage import Coverage
from sim.experiments.suites.junit import (
    CAN_RUN,
    FORMULAS_ANSWER,
    INVARIANTS_HOLD,
    SOMETHING_EXERCISED,
    junit_xml,
    write_junit,
)
from sim.experiments.suites.suite import (
    EXERCISED_NOTHING,
    FORMULA_FAILED,
    Expectation,
    ScenarioOutcome,
    SuiteResult,
    Verdict,
)


def outcome(name="one", verdict=Verdict.PASSED, **values):
    if verdict in (Verdict.PASSED, Verdict.FAILED):
        values.setdefault("summary", {"digest": "d" * 64})
    return ScenarioOutcome(name=name, source=Path(f"{name}.toml"), verdict=verdict, **values)


def parsed(*outcomes):
    return ET.fromstring(junit_xml(SuiteResult(outcomes=outcomes)))  # noqa: S314  (our own output)


def names(suite):
    return [case.get("name") for case in suite.iter("testcase")]


def test_suite_of_a_run_has_a_case_for_each_line(mixed):
    root = ET.fromstring(junit_xml(mixed[2]))  # noqa: S314  (our own output)
    suites = {suite.get("name"): suite for suite in root.iter("testsuite")}
    assert list(suites) == ["a_bad", "b_failing", "c_passing", "d_silent"]
    assert names(suites["a_bad"]) == [CAN_RUN]
    assert names(suites["b_failing"]) == [
        INVARIANTS_HOLD,
        SOMETHING_EXERCISED,
        FORMULAS_ANSWER,
        "liquidations >= 1",
        "liquidations <= 2",
    ]
    failures = list(root.iter("failure"))
    assert [item.text for item in failures] == [mixed[2].outcomes[1].failures[0].removeprefix("expected ")]
    assert [item.text for item in root.iter("error")] == ["\n".join(mixed[2].outcomes[0].problems)]
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("16", "1", "1")
    flags = {
        suite.get("name"): suite.find("properties/property[@name='expects_nothing']").get("value")
        for suite in suites.values()
    }
    assert flags["d_silent"] == "true"
    assert flags["c_passing"] == "false"


def test_counts_of_each_suite_agree_with_its_cases(mixed):
    root = ET.fromstring(junit_xml(mixed[2]))  # noqa: S314  (our own output)
    for suite in root.iter("testsuite"):
        assert int(suite.get("tests")) == len(list(suite.iter("testcase")))
        assert int(suite.get("failures")) == len(list(suite.iter("failure")))
        assert int(suite.get("errors")) == len(list(suite.iter("error")))


def test_broken_invariant_is_one_failed_case_and_no_lines():
    root = parsed(outcome(verdict=Verdict.FAILED, summary={}, problems=("C7 broken at block 3: x",)))
    assert names(root) == [INVARIANTS_HOLD]
    assert root.find(".//failure").get("message") == "C7 broken at block 3: x"


def test_exercising_nothing_fails_its_own_case():
    root = parsed(outcome(verdict=Verdict.FAILED, problems=(EXERCISED_NOTHING,)))
    failed = [case.get("name") for case in root.iter("testcase") if case.find("failure") is not None]
    assert failed == [SOMETHING_EXERCISED]


def test_a_formula_that_failed_fails_its_own_case():
    root = parsed(outcome(verdict=Verdict.FAILED, problems=(f"{FORMULA_FAILED}: formula_failures was 2",)))
    failed = [case.get("name") for case in root.iter("testcase") if case.find("failure") is not None]
    assert failed == [FORMULAS_ANSWER]


def test_unfinished_run_is_an_error():
    root = parsed(outcome(verdict=Verdict.UNFINISHED, problems=("disk is full",)))
    assert root.find(".//error").get("type") == "unfinished"
    assert root.find(".//failure") is None


@pytest.mark.parametrize(
    "text", ["a < b & c > \"d\" 'e'", "]]>", "new\nline\tand tab", "ünïcode 漢字 \U0001f600"]
)
def test_text_survives_the_round_trip(text):
    root = parsed(outcome("n", Verdict.BAD_INPUT, problems=("first", text)))
    assert root.find(".//error").text == f"first\n{text}"


@pytest.mark.parametrize("text", ["\x00", "\x1b[31m", "\x0b", "\ufffe", "\ud800"])
def test_characters_xml_cannot_hold_are_replaced(text):
    root = parsed(outcome(f"n{text}", Verdict.BAD_INPUT, problems=(f"a{text}b",)))
    assert root.find(".//error").text == f"a{text}b".replace(text[0], "\ufffd")


def test_file_is_the_same_but_for_times():
    def suite(seconds):
        lines = (
            Expectation(line="blocks == 3: was 3", met=True),
            Expectation(line="x <= 1: was 2", met=False),
        )
        found = outcome(
            verdict=Verdict.FAILED, expectations=lines, seconds=seconds, coverage=Coverage(invariant_checks=4)
        )
        return junit_xml(SuiteResult(outcomes=(found,))).decode()

    assert suite(1.25) == suite(1.25)
    assert suite(1.25) != suite(2.5)
    assert suite(1.25) == suite(2.5).replace("2.500", "1.250")


def test_file_is_replaced_whole_or_left_alone(tmp_path):
    result = SuiteResult(outcomes=(outcome(),))
    path = tmp_path / "out.xml"
    path.write_text("old")
    write_junit(result, path)
    assert path.read_bytes() == junit_xml(result)
    assert [item.name for item in tmp_path.iterdir()] == ["out.xml"]
    with pytest.raises(RunError, match="cannot write"):
        write_junit(result, tmp_path / "missing" / "out.xml")
