"""Placement problems, constraints, solver, plans and leases: a library that stands alone."""
