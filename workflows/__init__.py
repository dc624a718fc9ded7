"""Durable Temporal workflows: decisions only, one lifecycle per file."""
