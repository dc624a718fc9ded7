"""The local hypervisor's decisions; that it runs machines is shown by the tests with real guests."""

import json
import shutil

import pytest

from sirocco.hypervisor import __main__ as command
from sirocco.hypervisor import accelerator, daemon, local, network, requirements
from sirocco.hypervisor.layout import HypervisorError, Layout, State
from sirocco.hypervisor.requirements import Missing
from web.language import catalogue


@pytest.fixture
def machine(tmp_path):
    """A processor and a device as the probe sees them."""
    cpuinfo, device = tmp_path / "cpuinfo", tmp_path / "kvm"
    device.write_text("")

    def probe(flags):
        cpuinfo.write_text(f"processor\t: 0\nflags\t\t: fpu {flags} sse\n")
        return accelerator.probe(tmp_path / "verdict.json", cpuinfo=cpuinfo, device=device)

    return probe


def test_kvm_is_used_only_where_something_ran_with_it(machine, tmp_path, monkeypatch):
    monkeypatch.setattr(accelerator, "boot", lambda _: (True, "it ran"))
    assert (machine("vmx").domain_type, machine("vmx").seen) == ("kvm", "it ran")
    (tmp_path / "verdict.json").unlink()
    monkeypatch.setattr(accelerator, "boot", lambda _: (False, "instructions are interpreted"))
    verdict = machine("svm")
    assert (verdict.domain_type, verdict.seen) == ("qemu", "instructions are interpreted")
    assert str(verdict) == f"qemu: {verdict.why} (instructions are interpreted)"


def test_without_the_processor_s_help_nothing_is_run(machine, monkeypatch):
    monkeypatch.setattr(accelerator, "boot", lambda _: pytest.fail("run for nothing"))
    assert machine("sse4").domain_type == "qemu"


def test_a_device_that_does_not_open_is_no_accelerator(machine, tmp_path, monkeypatch):
    (tmp_path / "kvm").unlink()
    monkeypatch.setattr(accelerator, "boot", lambda _: pytest.fail("run for nothing"))
    assert "absent" in machine("vmx").why
    assert machine("vmx").seen == str(tmp_path / "kvm")


def test_every_verdict_is_told_in_french_too(machine, tmp_path, monkeypatch):
    verdicts = [machine("sse4")]
    for finished in (True, False):
        (tmp_path / "verdict.json").unlink()
        monkeypatch.setattr(accelerator, "boot", lambda _, finished=finished: (finished, "seen"))
        verdicts.append(machine("vmx"))
    (tmp_path / "verdict.json").unlink()
    (tmp_path / "kvm").unlink()
    verdicts.append(machine("vmx"))
    assert len({verdict.why for verdict in verdicts}) == 4
    assert all(catalogue("fr").gettext(verdict.why) != verdict.why for verdict in verdicts)


def test_the_verdict_is_kept_for_this_boot_of_the_machine_only(machine, tmp_path, monkeypatch):
    runs = []
    monkeypatch.setattr(accelerator, "boot", lambda _: (bool(runs.append(1)) or True, "it ran"))
    machine("vmx")
    machine("vmx")
    assert len(runs) == 1
    kept = json.loads((tmp_path / "verdict.json").read_text())
    (tmp_path / "verdict.json").write_text(json.dumps(kept | {"boot": "another"}))
    machine("vmx")
    (tmp_path / "verdict.json").write_text("{broken")
    machine("vmx")
    assert len(runs) == 3


@pytest.mark.skipif(shutil.which(accelerator.QEMU) is None, reason="needs QEMU (Debian package qemu-system-x86)")
def test_the_boot_sector_runs_to_its_end_under_emulation():
    finished, sentence = accelerator.boot("tcg", limit=60)
    assert finished, sentence
    assert accelerator.boot("tcg", limit=0.01) == (
        False,
        "a boot sector did not end in 0.01 s: instructions are interpreted",
    )


def test_a_range_of_addresses_is_taken_that_no_route_touches():
    assert network.free_range([]) == network.RANGES[0] == "10.96.0.0/12"
    assert network.free_range(["default", "10.100.3.0/24"]) == "10.64.0.0/16"
    assert network.free_range(["10.96.0.0/12", "10.64.0.0/16", "10.65.7.7"]) == "10.66.0.0/16"
    with pytest.raises(HypervisorError, match="remove a route"):
        network.free_range(["10.0.0.0/8"])


def test_two_hypervisors_of_one_machine_have_nothing_in_common(tmp_path):
    one, two = Layout(tmp_path / "one"), Layout(tmp_path / "two")
    assert one.namespace != two.namespace
    assert not set(one.link) & set(two.link)
    assert one.host(1).uuid != one.host(2).uuid != two.host(1).uuid
    assert all(len(name) <= 15 for name in one.link)


def test_the_state_of_a_hypervisor_survives(tmp_path):
    state = State(2, shared_storage=True, addresses="10.96.0.0/12", accelerator="qemu", reason="why")
    state.save(tmp_path / "state.json")
    assert State.load(tmp_path / "state.json") == state
    assert State.load(tmp_path / "other.json") is None
    assert (state.outside, state.inside, state.first_network) == ("10.111.255.253", "10.111.255.254", "10.96.0.0/24")


def test_a_root_too_deep_for_a_socket_is_refused_before_anything_is_started(tmp_path):
    state = State(1, shared_storage=True, addresses="10.96.0.0/12", accelerator="qemu", reason="why")
    with pytest.raises(HypervisorError, match="shorter path"):
        daemon.start(Layout(tmp_path / ("d" * 120)), state, 1)
    assert not (tmp_path / ("d" * 120)).exists()


def test_what_is_missing_is_said_with_its_remedy_and_what_serves_instead(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(requirements, "missing", lambda: (Missing("packages x", "apt-get install x"),))
    assert command.main(["start", "--root", str(tmp_path / "hv")]) == 1
    said = capsys.readouterr().err
    assert "packages x missing: apt-get install x" in said
    assert "simulator that could serve instead" in said
    assert not (tmp_path / "hv").exists()


def test_missing_programs_are_told_by_package(monkeypatch):
    monkeypatch.setattr(requirements, "find", lambda program: None if program == "dnsmasq" else program)
    monkeypatch.setattr(requirements.os, "geteuid", lambda: 1000)
    lacks = {lack.what: lack.remedy for lack in requirements.missing()}
    assert "sudo" in lacks["root"]
    assert lacks["dnsmasq-base"].endswith("dnsmasq-base")


def test_a_hypervisor_that_never_ran_has_a_status_and_stops(tmp_path, capsys):
    local.stop(tmp_path)
    assert command.main(["status", "--root", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"running": False, "root": str(tmp_path), "hosts": []}
