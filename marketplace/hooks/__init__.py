"""The plugin system: specifications, descriptors, discovery, and the four ways in which the core calls a hook."""
