"""Measuring a space by training: what a worker does, the journal of trainings, the table."""
