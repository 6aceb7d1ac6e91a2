"""Suites of scenarios: every [expect], what the runs reached, JUnit and evidence."""
