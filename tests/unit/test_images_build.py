"""The tiny image's recipe; that it boots is shown by the tests with real guests."""

import shutil
import subprocess

import pytest

from sirocco.images import build


def test_what_is_built_already_is_not_built_again(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "_build", lambda _work, image, _progress: image.disk.write_bytes(b"built"))
    monkeypatch.setattr(build, "missing_packages", lambda: ())
    monkeypatch.setattr(build.os, "geteuid", lambda: 0)
    steps = []
    first = build.build_tiny(tmp_path, lambda share, step: steps.append((share, step)))
    monkeypatch.setattr(build, "_build", lambda *_: pytest.fail("built twice"))
    assert build.build_tiny(tmp_path) == first
    assert steps[-1] == (1.0, "image ready")
    assert "console=ttyS0" in first.cmdline


def test_a_changed_ingredient_changes_the_image_s_name(tmp_path, monkeypatch):
    before = build._recipe()
    shutil.copytree(build._RESOURCES, tmp_path / "tiny")
    monkeypatch.setattr(build, "_RESOURCES", tmp_path / "tiny")
    assert build._recipe() == before
    (tmp_path / "tiny/cmdline").write_text("quiet")
    assert build._recipe() != before


def test_what_is_missing_is_named_with_its_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr(build.shutil, "which", lambda tool: None if tool in {"extlinux", "cpio"} else tool)
    with pytest.raises(build.BuildError, match="apt-get install --no-install-recommends cpio extlinux"):
        build.build_tiny(tmp_path)
    monkeypatch.setattr(build.shutil, "which", lambda tool: tool)
    monkeypatch.setattr(build.os, "geteuid", lambda: 1000)
    with pytest.raises(build.BuildError, match="needs root"):
        build.build_tiny(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "script", sorted(path for path in build._RESOURCES.rglob("*") if path.is_file()), ids=lambda path: path.name
)
def test_the_guest_s_scripts_are_shell(script):
    if not script.read_bytes().startswith(b"#!"):
        return
    done = subprocess.run(["sh", "-n", str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_no_password_opens_the_image(tmp_path):
    (tmp_path / "etc").mkdir()
    build._accounts(tmp_path)
    assert (tmp_path / "etc/shadow").read_text().split(":")[1] == "*"
    assert (tmp_path / "etc/shadow").stat().st_mode & 0o777 == 0o600
    assert "dropbear -r $key -s" in (build._RESOURCES / "root/etc/rcS").read_text()
