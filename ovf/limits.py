"""The limits that keep a hostile package from exhausting its reader.

Every number is far above what the survey of real descriptors shows and far below what hurts.
"""

from dataclasses import dataclass

KIB, MIB, GIB, TIB = 2**10, 2**20, 2**30, 2**40
EXBIBYTE = 2**60


@dataclass(frozen=True)
class Limits:
    """Bounds in bytes, counts or seconds; the defaults suit a service that reads strangers' packages."""

    descriptor_bytes: int = 4 * MIB
    elements: int = 30_000
    depth: int = 100
    attributes: int = 256
    text_chars: int = MIB
    members: int = 10_000
    header_bytes: int = 64 * KIB
    manifest_bytes: int = 4 * MIB
    package_bytes: int = 64 * TIB
    chunks: int = 10_000
    file_bytes: int = 16 * TIB
    gzip_ratio: int = 1_100
    disk_bytes: int = 64 * TIB
    copies: int = 10_000
    collection_depth: int = 16
    convert_seconds: int = 24 * 3600
    convert_memory: int = 4 * GIB


DEFAULT = Limits()
