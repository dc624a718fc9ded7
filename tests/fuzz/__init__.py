"""Fuzz targets, run by name from the Makefile."""
