"""`python -m encoder_tui.engine`: speak the frames on stdin and stdout."""

from encoder_tui.engine.server import main

if __name__ == "__main__":
    main()
