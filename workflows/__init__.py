"""Durable Temporal workflows: decisions only, one lifecycle per file, since each run imports its file anew."""
