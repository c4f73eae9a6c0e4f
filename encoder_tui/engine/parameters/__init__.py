"""Facts about parameters and layers."""
