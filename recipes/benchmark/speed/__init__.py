"""The speed benchmark: trainings in turns, where the time goes, augmentation by the second."""
