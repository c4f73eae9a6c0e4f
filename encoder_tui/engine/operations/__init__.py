"""The operations of the engine: one module each, imported on first use."""
