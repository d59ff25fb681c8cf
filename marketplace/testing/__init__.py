"""What tests of the core and of plugins are built from: both databases, a ready application, people, a browser."""
