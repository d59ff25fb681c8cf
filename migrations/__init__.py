"""The core's migrations, and the environment that every plugin's lineage shares."""
