"""Many runs with one answer: suites, sweeps, decisions, explorations, backtests, rare events."""
