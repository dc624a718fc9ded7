"""Makes small packages for the tests of the OVF library."""

import io
import subprocess
import tarfile
from pathlib import Path

from ovf import judge
from ovf.reader import read

SAMPLES = Path(__file__).resolve().parents[3] / ".." / "shared" / "data" / "ovf" / "samples"

NAMESPACES = """xmlns="http://schemas.dmtf.org/ovf/envelope/{version}"
 xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/{version}"
 xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
 xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData"
 xmlns:vmw="http://www.vmware.com/schema/ovf" xmlns:ovf2="http://schemas.dmtf.org/ovf/envelope/2"
 xmlns:rsrvr="http://schemas.telefonica.com/claudia/ovf" xmlns:x="urn:example:x\""""

BASE = Path(__file__).with_name("base.ovf").read_text(encoding="utf-8")


def descriptor(*changes: tuple[str, str], version: int = 1) -> bytes:
    """The base descriptor with texts replaced, each of which must be there exactly once or be a comment."""
    text = BASE.replace("{namespaces}", NAMESPACES.format(version=version))
    for old, new in changes:
        assert old in text, f"not in the base: {old}"
        text = text.replace(old, new, 1)
    return text.encode()


def found(data: bytes, *, strict: bool = False) -> dict:
    """The findings of a descriptor by code."""
    return {finding.code: finding for finding in judge.findings(read(data), strict=strict)}


def item(number: int, kind: int, body: str = "", attributes: str = "", name: str = "thing") -> str:
    """A device."""
    return (
        f"<Item {attributes}><rasd:ElementName>{name}</rasd:ElementName>{body}"
        f"<rasd:InstanceID>{number}</rasd:InstanceID><rasd:ResourceType>{kind}</rasd:ResourceType></Item>"
    )


def tar_of(files: dict[str, bytes], path: Path, form: int = tarfile.USTAR_FORMAT) -> Path:
    """A tar archive made by Python's own tarfile."""
    with tarfile.open(path, "w", format=form) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def image(path: Path, form: str = "vmdk", options: str = "subformat=streamOptimized", size: str = "10M") -> Path:
    """A small disk image with something in it, made by qemu-img."""
    raw = path.with_suffix(".seed")
    raw.write_bytes(bytes(range(256)) * 4096)
    subprocess.run(["qemu-img", "resize", "-q", "-f", "raw", raw, size], check=True)
    extra = ["-o", options] if options else []
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", form, *extra, raw, path], check=True)
    raw.unlink()
    return path
