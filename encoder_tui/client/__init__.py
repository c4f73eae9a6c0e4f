"""The app's end of the pipe: starts the engine and sends it requests."""
