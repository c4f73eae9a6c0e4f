"""The help pages and the screen that shows them."""
