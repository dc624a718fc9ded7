"""The command line: what it prints, and the codes it ends with."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ovf.cli import main
from ovf.environment import read_iso
from ovf.progress import Bar
from tests.unit.ovf.making import SAMPLES, descriptor

ROOT = Path(__file__).resolve().parents[3]
samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the open samples lie beside the repository, not in it")


@pytest.fixture
def files(tmp_path):
    (tmp_path / "good.ovf").write_bytes(descriptor())
    (tmp_path / "bad.ovf").write_bytes(descriptor(('ovf:fileRef="file1"', 'ovf:fileRef="nowhere"')))
    (tmp_path / "odd.ovf").write_bytes(descriptor(("byte * 2^20", "MegaBytes")))
    (tmp_path / "none.ovf").write_text("<html>Not found</html>")
    return tmp_path


@pytest.mark.parametrize(
    ("names", "options", "code"),
    [
        (["good.ovf"], [], 0),
        (["good.ovf"], ["--strict"], 0),
        (["odd.ovf"], [], 0),
        (["odd.ovf"], ["--strict"], 1),
        (["bad.ovf"], [], 1),
        (["none.ovf"], [], 2),
        (["missing.ovf"], [], 2),
        (["good.ovf", "bad.ovf"], [], 1),
        (["none.ovf", "bad.ovf", "good.ovf"], [], 2),
    ],
)
def test_validate_ends_with_the_worst_verdict(files, capsys, names, options, code):
    assert main(["validate", *options, *(str(files / name) for name in names)]) == code
    assert "Traceback" not in capsys.readouterr().err


def test_validate_prints_one_line_per_finding(files, capsys):
    main(["validate", str(files / "bad.ovf")])
    lines = capsys.readouterr().out.splitlines()
    told = next(line for line in lines if "disk.file-ref-unknown" in line)
    assert "bad.ovf:" in told
    assert "error" in told
    assert "[9.1]" in told
    assert "add the file to References" in told
    assert lines[-1].endswith("not acceptable (1 error(s), 2 warning(s))")


def test_validate_for_programs(files, capsys):
    main(["validate", "--json", str(files / "bad.ovf"), str(files / "none.ovf")])
    bad, none = json.loads(capsys.readouterr().out)
    assert (bad["readable"], bad["acceptable"], none["readable"]) == (True, False, False)
    finding = next(one for one in bad["findings"] if one["code"] == "disk.file-ref-unknown")
    assert finding["severity"] == "error"
    assert finding["line"] > 0


def test_inspect_tells_contents_needs_result_and_problems(files, capsys):
    (files / "disk1.vmdk").write_bytes(b"")
    assert main(["inspect", str(files / "odd.ovf"), "--configuration", "small", "--property", "size=7"]) == 1
    (files / "disk1.vmdk").unlink()
    capsys.readouterr()
    assert main(["inspect", str(files / "odd.ovf"), "--configuration", "small", "--property", "size=7"]) == 0
    told = capsys.readouterr().out
    parts = ("product     Shop 1.0 Example", "option      small: Small", "environment by iso", "7 GiB, empty")
    parts += ("1 CPU, 512 MiB", "db then web", "acceptance of the licence", "unit.spelling", "acceptable")
    for part in parts:
        assert part in told


def test_inspect_for_programs(files, capsys):
    assert main(["inspect", "--json", str(files / "good.ovf")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["acceptable"]
    assert told["deployment"]["machines"][0]["memory_bytes"] == 512 * 2**20
    assert told["losses"]["vsphere5"] == []


@pytest.mark.parametrize(
    "arguments", [["--configuration", "huge"], ["--property", "size=0"], ["--property", "nonsense"]]
)
def test_inspect_explains_choices_it_cannot_take(files, capsys, arguments):
    assert main(["inspect", str(files / "good.ovf"), *arguments]) in {1, 2}
    assert capsys.readouterr().err.startswith("error: ")


def test_diff_tells_what_differs(files, capsys):
    assert main(["diff", str(files / "good.ovf"), str(files / "odd.ovf")]) == 0
    assert main(["diff", str(files / "good.ovf"), str(files / "bad.ovf")]) == 1
    assert "~ sections[DiskSection]/disks[disk1]/file_ref: 'file1' -> 'nowhere'" in capsys.readouterr().out
    assert main(["diff", str(files / "good.ovf"), str(files / "none.ovf")]) == 2


def test_the_whole_way_of_a_package(folder, tmp_path, signer, capsys):
    (tmp_path / "key.pem").write_bytes(signer.key_pem)
    (tmp_path / "cert.pem").write_bytes(signer.pem)
    keys = ["--key", str(tmp_path / "key.pem"), "--cert", str(tmp_path / "cert.pem")]
    ova, out = str(tmp_path / "shop.ova"), str(tmp_path / "out")
    trust = ["--trust", str(tmp_path / "cert.pem")]
    assert main(["pack", str(folder), ova]) == 0
    assert main(["verify", ova, *trust]) == 1
    assert main(["sign", ova, *keys]) == 0
    assert main(["verify", ova, *trust]) == 0
    assert main(["verify", ova]) == 1
    assert main(["unpack", ova, out]) == 0
    assert main(["sign", out, *keys]) == 0
    assert main(["verify", out, *trust]) == 0
    assert main(["unpack", ova, out]) == 1
    (tmp_path / "again").mkdir()
    assert main(["unpack", ova, str(tmp_path / "again"), "--resume"]) == 0
    (tmp_path / "again" / "disk1.vmdk").unlink()
    assert main(["unpack", ova, str(tmp_path / "again"), "--resume"]) == 0
    assert main(["convert", ova, str(tmp_path / "v.ova"), "--profile", "virtualbox", *keys]) == 0
    assert main(["validate", "--strict", str(tmp_path / "v.ova")]) == 0
    told = capsys.readouterr()
    assert "signer      CN=Packer" in told.out
    assert "lost: " in told.out
    assert "Traceback" not in told.err


def test_signing_needs_both_halves(folder, tmp_path, signer, capsys):
    (tmp_path / "key.pem").write_bytes(signer.key_pem)
    assert main(["pack", str(folder), str(tmp_path / "a.ova"), "--key", str(tmp_path / "key.pem")]) == 2
    assert "needs both" in capsys.readouterr().err
    assert main(["pack", str(folder), str(tmp_path / "a.ova"), "--key", "/nowhere", "--cert", "/nowhere"]) == 2


def test_what_is_not_acceptable_is_not_converted(files, capsys):
    assert main(["convert", str(files / "bad.ovf"), str(files / "out.ova")]) == 1
    assert "disk.file-ref-unknown" in capsys.readouterr().err
    assert not (files / "out.ova").exists()


@pytest.mark.parametrize("form", ["xml", "iso", "guestinfo"])
def test_environments_are_written_and_read_back(files, capsys, form):
    target = files / f"env.{form}"
    (files / "user-data").write_text("#cloud-config\n")
    seed = ["--seed", str(files / "user-data")] if form == "iso" else []
    arguments = ["env", str(files / "good.ovf"), "--system", "web", "--format", form, "-o", str(target), *seed]
    assert main([*arguments, "--property", "size=9"]) == 0
    assert main(["env", "--read", str(target)]) == 0
    assert "property    org.example.size.1=9" in capsys.readouterr().out


def test_extra_files_lie_on_the_environments_cd(files):
    wanted = (
        "<ovf2:EnvironmentFilesSection><Info>x</Info>"
        '<ovf2:File ovf2:fileRef="icon1" ovf2:path="logo.png"/></ovf2:EnvironmentFilesSection>'
    )
    (files / "a.ovf").write_bytes(descriptor(("<!--web-->", wanted)))
    (files / "icon.png").write_bytes(b"logo")
    arguments = ["env", str(files / "a.ovf"), "--system", "web", "--format", "iso", "-o", str(files / "a.iso")]
    assert main(arguments) == 0
    assert read_iso((files / "a.iso").read_bytes())["logo.png"] == b"logo"
    (files / "icon.png").write_bytes(bytes(2**20 + 1))
    assert main(arguments) == 1
    (files / "icon.png").unlink()
    assert main(arguments) == 1


def test_inspect_tells_the_rest_when_a_choice_is_missing(files, capsys):
    (files / "a.ovf").write_bytes(descriptor(('ovf:value="5"', "")))
    assert main(["inspect", str(files / "a.ovf")]) == 1
    told = capsys.readouterr()
    assert "needs       a value for org.example.size.1" in told.out
    assert "no whole number" in told.err
    assert main(["inspect", str(files / "a.ovf"), "--property", "size=2"]) == 0


def test_environments_of_refused_packages_are_not_made(files, capsys):
    assert main(["env", str(files / "bad.ovf"), "--system", "web"]) == 1
    told = capsys.readouterr()
    assert "disk.file-ref-unknown" in told.err
    assert told.out == ""


def test_environments_need_a_system(files, capsys):
    assert main(["env", str(files / "good.ovf")]) == 2
    assert "web, db" in capsys.readouterr().err


@samples
def test_the_open_samples_get_the_right_verdict_for_the_right_reason(capsys):
    for path in sorted(SAMPLES.glob("*.ovf")):
        assert main(["validate", "--json", str(path)]) == (1 if path.stem.startswith("hostile") else 0)
        [told] = json.loads(capsys.readouterr().out)
        errors = {finding["code"] for finding in told["findings"] if finding["severity"] == "error"}
        hostile = {"value.number", "disk.populated-impossible"} if path.stem.startswith("hostile") else set()
        assert errors == hostile


def test_the_module_runs_as_a_program(files):
    done = subprocess.run(
        [sys.executable, "-m", "ovf", "validate", str(files / "none.ovf")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "Envelope" in done.stderr or "envelope" in done.stderr
    assert "Traceback" not in done.stderr


def test_progress_is_shown_on_a_terminal_only(monkeypatch, capsys):
    with Bar(100) as bar:
        bar.advance("disk.vmdk", 50)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with Bar(100) as bar:
        bar.advance("di\x1bsk.vmdk", 50)
    drawn = capsys.readouterr().err
    assert "50%" in drawn
    assert "\x1b" not in drawn
