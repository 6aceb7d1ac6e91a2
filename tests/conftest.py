"""Hypothesis profiles.

``ci`` (the default) is derandomised: the same examples on every machine, so that a red build is somebody's
change. ``deep`` is for a night by hand: ``pytest --hypothesis-profile=deep``.
"""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "ci",
    derandomize=True,
    deadline=None,  # a compile in the first example is slow, and a busy machine is not a failure
    max_examples=60,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile(
    "deep",
    parent=settings.get_profile("ci"),
    derandomize=False,
    max_examples=5_000,
)
settings.load_profile("ci")
