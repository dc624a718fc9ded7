"""Figures of the placement engine; `python -m bench.placement` writes them to docs/bench-placement.md."""
