"""What crosses the pipe between the window or a command and the engine."""
