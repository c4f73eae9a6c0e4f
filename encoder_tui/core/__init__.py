"""Plain Python: values, arithmetic, files and sentences; no screen, no torch, no engine."""
