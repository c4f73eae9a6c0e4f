"""Escape sequences that restore and take the terminal.

Nothing is imported here, because the restorer is forked with what this module imports.
"""

# First an incomplete sequence is cancelled; then come synchronized output, mouse, paste, sizes, style, wrapping, keys,
# screen, cursor, focus.
RESTORE = (
    "\x18\x1b[?2026l\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l\x1b[?2004l\x1b[?2048l"
    "\x1b[0m\x1b[?7h\x1b[<u\x1b[?1049l\x1b[?25h\x1b[?1004l"
)
"""Restores the terminal to its state before the window."""
AGAIN = "\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[?7l\x1b[?1000h\x1b[?1003h\x1b[?1006h"
"""Sets screen, cursor, paste, wrapping and mouse again, if another program changed them meanwhile."""
