"""North-bound REST APIs and the registry of routes."""
