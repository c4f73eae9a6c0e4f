"""What the engine can do; one module a task, imported when it is first asked for."""
