"""Fuzz targets for everything in ``ovf`` that reads bytes from strangers."""
