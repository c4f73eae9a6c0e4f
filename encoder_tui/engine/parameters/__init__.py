"""What the engine says about parameters."""
