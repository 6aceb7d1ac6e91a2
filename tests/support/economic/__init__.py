"""An attacker for the test bench: coordinated accounts try to take money out of the protocol.

``draws`` draws the parameters of a world within the governor's bounds, ``verbs`` is the only file that knows
how contracts are called, ``play`` plays a history and closes everything out, ``moves`` makes histories up,
``search`` keeps the best and changes them, ``rules`` and ``checks`` hold what must be true after every step,
``minimise`` takes out of a finding what it does not need. ``scripts/economic_fuzz.py`` is the command.
"""
