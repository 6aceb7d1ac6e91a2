"""Changes of parameters: rules, calls, steps and their enactment by the governor."""
