"""Settings that operators change while the site runs."""
