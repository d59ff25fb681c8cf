"""The objects of the API, one module each; every module lists its addresses in ROUTES."""
