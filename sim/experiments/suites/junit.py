"""The outcome of a suite in JUnit's XML: one testsuite a scenario, one testcase a line of its ``[expect]``.

Three testcases stand before those lines: that the invariants hold, which carries the run's time, that
something was exercised, and that every margin formula answered. Names hold the bound but not what was found,
so that a CI system can follow a test from run to run; but for times the file is the same every time.
"""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

from sim.core.files import atomic_write_bytes
from sim.experiments.suites.suite import (
    EXERCISED_NOTHING,
    FORMULA_FAILED,
    ScenarioOutcome,
    SuiteResult,
    Verdict,
)

INVARIANTS_HOLD = "invariants hold after every block"
SOMETHING_EXERCISED = "at least one transaction succeeded"
FORMULAS_ANSWER = "every margin formula has a good answer in every block"
CAN_RUN = "scenario can be run"

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters XML 1.0 cannot hold, not even escaped."""


def write_junit(result: SuiteResult, path: Path) -> None:
    """Write the XML file, whole or not at all.

    Raises
    ------
    RunError
        The file cannot be written.
    """
    atomic_write_bytes(path, junit_xml(result))


def junit_xml(result: SuiteResult) -> bytes:
    """Return the XML file of a suite, UTF-8."""
    suites = [_suite(outcome) for outcome in result.outcomes]
    root = ET.Element("testsuites", {"name": "seawall suite"})
    for count in ("tests", "failures", "errors"):
        root.set(count, str(sum(int(suite.attrib[count]) for suite in suites)))
    root.set("time", _seconds(sum(outcome.seconds for outcome in result.outcomes)))
    root.extend(suites)
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _suite(outcome: ScenarioOutcome) -> ET.Element:
    cases = list(_cases(outcome))
    suite = ET.Element("testsuite", {"name": _text(outcome.name), "tests": str(len(cases))})
    for count, tag in (("failures", "failure"), ("errors", "error")):
        suite.set(count, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("skipped", "0")
    suite.set("time", _seconds(outcome.seconds))
    properties = ET.SubElement(suite, "properties")
    for name, value in (
        ("scenario", outcome.source.as_posix()),
        ("verdict", outcome.verdict.value),
        ("expects_nothing", str(outcome.expects_nothing).lower()),
        ("digest", outcome.digest or ""),
        ("invariant_checks", str(outcome.coverage.invariant_checks)),
    ):
        ET.SubElement(properties, "property", {"name": name, "value": _text(value)})
    suite.extend(cases)
    return suite


def _cases(outcome: ScenarioOutcome) -> list[ET.Element]:
    if outcome.verdict in (Verdict.BAD_INPUT, Verdict.UNFINISHED):
        case = _case(outcome, CAN_RUN, outcome.seconds)
        _complain(case, "error", outcome.verdict.value, outcome.problems)
        return [case]
    invariants = _case(outcome, INVARIANTS_HOLD, outcome.seconds)
    unanswered = tuple(problem for problem in outcome.problems if problem.startswith(FORMULA_FAILED))
    broken = tuple(problem for problem in outcome.problems if problem not in (EXERCISED_NOTHING, *unanswered))
    if broken:
        _complain(invariants, "failure", "invariant", broken)
    cases = [invariants]
    if outcome.digest is None:  # an invariant stopped the run: there is no summary to hold lines against
        return cases
    exercised = _case(outcome, SOMETHING_EXERCISED)
    if EXERCISED_NOTHING in outcome.problems:
        _complain(exercised, "failure", "coverage", (EXERCISED_NOTHING,))
    cases.append(exercised)
    formulas = _case(outcome, FORMULAS_ANSWER)
    if unanswered:
        _complain(formulas, "failure", "formula", unanswered)
    cases.append(formulas)
    for expectation in outcome.expectations:
        case = _case(outcome, expectation.bound)
        if not expectation.met:
            _complain(case, "failure", "expectation", (expectation.line,))
        cases.append(case)
    return cases


def _case(outcome: ScenarioOutcome, name: str, seconds: float = 0.0) -> ET.Element:
    attributes = {
        "classname": _text(f"seawall.{outcome.name}"),
        "name": _text(name),
        "time": _seconds(seconds),
    }
    return ET.Element("testcase", attributes)


def _complain(case: ET.Element, tag: str, kind: str, lines: tuple[str, ...]) -> None:
    found = ET.SubElement(case, tag, {"message": _text(lines[0]), "type": kind})
    found.text = _text("\n".join(lines))


def _seconds(value: float) -> str:
    return f"{value:.3f}"


def _text(value: str) -> str:
    return _NOT_XML.sub("\ufffd", value)
