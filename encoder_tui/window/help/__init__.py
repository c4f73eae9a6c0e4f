"""Help: its pages and its screen."""
