"""The pages of the headline study: its numbers, its figures and its words."""
