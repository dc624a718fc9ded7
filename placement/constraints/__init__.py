"""The catalogue of constraints: one file each, one shape for all."""
