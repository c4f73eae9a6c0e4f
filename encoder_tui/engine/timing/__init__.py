"""Measurement: rounds, modes, and what disturbs a measurement."""
