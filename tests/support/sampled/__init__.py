"""Faults in contracts that a seed draws from fixed lists: where they can be, and what finds them.

``places`` lists what can be changed in a source file, ``run`` tries one change after another, ``page`` makes
docs/mutants.md, ``equivalent`` holds what was proven to change nothing. ``scripts/sampled_mutants.py`` is the
command.
"""
