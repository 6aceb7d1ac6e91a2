"""One run: scenario, world, block loop, recorder, replay."""
