import pickle

from sim.core.errors import InputError, InvariantViolation, RunError, SeawallError


def test_exit_codes_are_those_of_the_command_line():
    assert InputError.exit_code == 2
    assert RunError.exit_code == 3
    assert InvariantViolation.exit_code == 1


def test_input_error_keeps_one_line_per_problem():
    error = InputError(["a.toml:3: seed: must be >= 0", "a.toml:9: blocks: missing"])
    assert error.problems == ("a.toml:3: seed: must be >= 0", "a.toml:9: blocks: missing")
    assert str(error).splitlines() == list(error.problems)


def test_input_error_accepts_a_single_text_and_is_never_empty():
    assert InputError("no such file").problems == ("no such file",)
    assert InputError([]).problems != ()


def test_invariant_violation_carries_its_operands():
    error = InvariantViolation("SOLV-1", 7, "tokens must equal claims", {"tokens": 4, "claims": 5})
    assert (error.id, error.block, error.operands) == ("SOLV-1", 7, {"tokens": 4, "claims": 5})
    assert str(error) == "SOLV-1 broken at block 7: tokens must equal claims (tokens=4, claims=5)"


def test_errors_survive_a_process_boundary():
    for error in (InputError(["x", "y"]), RunError("disk full"), InvariantViolation("A-1", 2, "m", {"k": 1})):
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own bytes
        assert type(copy) is type(error)
        assert isinstance(copy, SeawallError)
        assert str(copy) == str(error)
        assert getattr(copy, "problems", None) == getattr(error, "problems", None)
        assert getattr(copy, "operands", None) == getattr(error, "operands", None)
