"""Disk images: looked at, converted, kept, built."""
