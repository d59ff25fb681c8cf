"""Templates of the core pages."""
