"""`python -m encoder_tui.engine`: exchange frames on stdin and stdout."""

from encoder_tui.protocol.parent import die_with_window

if __name__ == "__main__":
    # Before anything else is imported.
    die_with_window()
    from encoder_tui.engine.server import main

    main()
