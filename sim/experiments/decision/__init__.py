"""A parameter change judged: plan, paired runs, verdict, and the calls that enact it."""
