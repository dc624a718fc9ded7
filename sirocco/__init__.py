"""Sirocco's shared core: contracts, domain, services, records, connectors and process entry points."""

__version__ = "0.1.0"
