"""Runs one fuzz target: seeds it, instruments the library, and lets atheris loose."""

import contextlib
import gzip
import io
import resource
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["ovf"]):
    from ovf import (
        archive,
        disk_headers,
        environment,
        judge,
        loss,
        manifest,
        profiles,
        reader,
        resolve,
        streams,
        units,
        values,
        writer,
    )
    from ovf.errors import OvfError
    from ovf.findings import acceptable
    from ovf.limits import Limits

MIB = 2**20
LIMITS = Limits()
BASE = Path(__file__).resolve().parents[2] / "unit" / "ovf" / "base.ovf"


def descriptor(data: bytes) -> None:
    """Read and judge; what is accepted is resolved, fitted to every target, written and read as the same."""
    reading = reader.read(data)
    findings = judge.findings(reading)
    if not acceptable(findings):
        return
    resolve.resolve(reading.package)
    for name in profiles.EXPORTS:
        fitted, _ = loss.adapt(reading.package, profiles.PROFILES[name])
        again = reader.read(writer.write(fitted, profiles.PROFILES[name].namespace))
        if again.package != fitted:
            raise AssertionError(f"{name} is not read as it was written")


def manifest_lines(data: bytes) -> None:
    """Parse, and read what is written of it as the same."""
    entries = manifest.parse(data)
    if manifest.parse(manifest.render(entries)) != entries:
        raise AssertionError("a manifest is not read as it was written")


def tar(data: bytes) -> None:
    """Walk the members, reading some of each; gzip streams in them are unpacked up to a limit."""
    for _member, stream in archive.members(io.BytesIO(data), LIMITS):
        head = stream.read(4096)
        if head.startswith(streams.GZIP_MAGIC):
            streams.Gunzip(io.BytesIO(head), MIB, "x").read(4096)


def disk_header(data: bytes) -> None:
    """Probe an image."""
    disk_headers.probe(io.BytesIO(data), "disk")


def environment_document(data: bytes) -> None:
    """Read an environment in any of its forms."""
    environment.read(data)


def value(data: bytes) -> None:
    """Qualifiers, units, and values held against them."""
    text, _, rest = data.decode("utf-8", "replace").partition("|")
    units.parse_unit(rest)
    units.split_suffixed(rest)
    qualifiers = values.parse_qualifiers(text)
    for kind in ("uint8", "sint64", "real32", "boolean", "string", rest):
        if qualifiers is not None and values.fits_type(rest, kind):
            values.meets(rest, kind, qualifiers)


def seeds() -> dict[str, list[bytes]]:
    base = BASE.read_bytes().replace(b"{namespaces}", _namespaces())
    tarball = b"".join(
        (archive.tar.header(name, len(body)) + body.ljust(-(-len(body) // 512) * 512, b"\0"))
        for name, body in (("a.ovf", base[:300]), ("a.gz", gzip.compress(b"x" * 100)))
    )
    qcow2 = b"QFI\xfb\0\0\0\3".ljust(20, b"\0") + b"\0\0\0\x10" + bytes(2000)
    vmdk = b"KDMV\1\0\0\0\3\0\0\0".ljust(512, b"\0") + b'# Disk DescriptorFile\ncreateType="streamOptimized"\n'
    return {
        "descriptor": [base],
        "manifest": [b"SHA1(a)= " + b"0" * 40 + b"\nSHA256 (b) = " + b"1" * 64],
        "tar": [tarball + bytes(1024)],
        "disk_header": [
            qcow2,
            vmdk,
            b"# Disk DescriptorFile\n",
            bytes(512) + b"conectix".ljust(512, b"\0"),
            b"vhdxfile",
        ],
        "environment": [
            b'<Environment xmlns="http://schemas.dmtf.org/ovf/environment/1"/>',
            b"guestinfo.ovfEnv=\nguestinfo.ovfEnv.encoding=gzip+base64\n",
        ],
        "values": [b'MinLen(1),MaxLen(3),ValueMap{"a","b"}|byte * 2^20', b"MinValue(1)|512MB"],
    }


def _namespaces() -> bytes:
    envelope = "http://schemas.dmtf.org/ovf/envelope/1"
    cim = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_"
    return (
        f'xmlns="{envelope}" xmlns:ovf="{envelope}" xmlns:rasd="{cim}ResourceAllocationSettingData" '
        f'xmlns:vssd="{cim}VirtualSystemSettingData" xmlns:vmw="http://www.vmware.com/schema/ovf"'
    ).encode()


FUNCTIONS = {
    "descriptor": descriptor,
    "manifest": manifest_lines,
    "tar": tar,
    "disk_header": disk_header,
    "environment": environment_document,
    "values": value,
}


def main(target: str, seconds: str, folder: str) -> None:
    corpus = Path(folder) / "corpus"
    for number, data in enumerate(seeds()[target]):
        (corpus / f"seed{number}").write_bytes(data)
    function = FUNCTIONS[target]
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def once(data: bytes) -> None:
        with contextlib.suppress(OvfError):
            function(data)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start
        if grown > 200 * 1024:
            raise MemoryError(f"memory grew by {grown} KiB")

    options = [f"-max_total_time={seconds}", "-timeout=1", "-max_len=16384", "-verbosity=1"]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={folder}/", str(corpus)], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
