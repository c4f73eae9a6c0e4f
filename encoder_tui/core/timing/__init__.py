"""Timing: plans, samples, runs and what they cost."""
