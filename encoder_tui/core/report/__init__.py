"""The report, and Python that reproduces what is shown."""
