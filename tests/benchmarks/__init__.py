"""Figures of the whole program, each taken through a pseudo-terminal and against its peer in the same run.

`python -m tests.benchmarks` prints them as a table; nothing here passes or fails.
"""
