"""Results: what a run leaves behind, and reads back."""
