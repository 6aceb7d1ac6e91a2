"""The scenario: what is simulated, frozen, bounded and sourced."""
