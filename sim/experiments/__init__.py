"""Many runs with one answer: suites of scenarios and the evidence they leave."""
