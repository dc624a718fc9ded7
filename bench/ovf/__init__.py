"""Figures of the OVF library: ``python -m bench.ovf``."""
