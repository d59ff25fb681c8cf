"""The demo: a living neighbourhood, made through the same services as the site, and the one command that shows it."""
