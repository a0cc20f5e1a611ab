"""What a search finds in a given time beside KerasTuner's own, and what it costs."""
