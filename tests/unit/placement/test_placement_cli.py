"""The command line: one JSON object, exit codes, one clear line for bad input."""

import json

import pytest

from placement.cli import main

SMALL = ["--hosts", "12", "--ratio", "4", "--group", "6"]


@pytest.fixture
def run(capsys):
    def call(*arguments):
        code = main([str(a) for a in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def instance(run, tmp_path):
    path = tmp_path / "i.json"
    assert run("generate", path, "--scenario", "drain", *SMALL)[0] == 0
    return path


def test_solve_check_plot_convert(run, tmp_path, instance):
    plan = tmp_path / "plan.json"
    code, out, err = run("solve", instance, "--mode", "repair", "--out", plan, "--progress", "--seed", 3)
    answer = json.loads(out)
    assert code == 0
    assert answer["status"] == "OPTIMAL"
    assert answer["violations"] == []
    assert set(answer["seconds"]) == {"read", "solve", "bound", "plan", "check"}
    assert answer["cost"] == answer["bound"] == answer["migrated_memory"]
    assert "cost" in err
    assert json.loads(run("check", instance, plan)[1])["legal"]
    own = tmp_path / "own.pl.gz"
    assert run("convert", instance, own)[0] == 0
    assert json.loads(run("solve", own, "--mode", "repair")[1])["cost"] == answer["cost"]
    tampered = json.loads(plan.read_text())
    tampered["actions"] = tampered["actions"][1:]
    plan.write_text(json.dumps(tampered))
    code, out, _ = run("check", instance, plan)
    assert code == 3
    assert json.loads(out)["violations"]


def test_plot(run, tmp_path, instance):
    pytest.importorskip("matplotlib", reason="drawing needs the extra 'plot'")
    plan = tmp_path / "plan.json"
    run("solve", instance, "--mode", "repair", "--out", plan)
    assert run("plot", plan, tmp_path / "p.png")[0] == 0
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    assert run("plot", plan, tmp_path / "p.doc")[0] == 2


def impossible(tmp_path):
    root = {
        "format": "placement 1", "resources": ["memory"], "hosts": {"id": [1, 2, 3, 4], "capacity": {"memory": 4}},
        "vms": {"id": [1, 2, 3, 4, 5], "demand": {"memory": [3, 3, 3, 3, 2]},
                "host": [1, 2, 3, 4, None]},
        "constraints": [{"id": "running", "vm": 5}],
    }  # fmt: skip
    path = tmp_path / "full.pl"
    path.write_text(json.dumps(root))
    return path


def test_infeasible_is_proved_and_explained(run, tmp_path):
    """Four hosts with 1 free each, a VM of 2: no time-out, a reason and remedies."""
    code, out, _ = run("solve", impossible(tmp_path), "--mode", "repair")
    answer = json.loads(out)
    assert code == 3
    assert answer["status"] == "INFEASIBLE"
    explanation = answer["explanation"]
    reason = "VM 5 needs 2 of memory, the largest room on the 4 hosts open to it is 1"
    assert explanation["shortages"] == [f"with the other VMs where they are: {reason}"]
    assert explanation["blocked"][0]["vm"] == 5
    assert explanation["blocked"][0]["largest_room"] == {"memory": 1}
    assert "add 1 host like 1 (4 memory), open to these VMs" in explanation["remedies"]
    assert "give VM 5 1 instead of 2 memory: it then fits on host 1" in explanation["remedies"]
    assert "relax running on VM 5" in explanation["remedies"]


def test_explain_tells_what_is_violated_now(run, tmp_path, instance):
    code, out, _ = run("explain", instance)
    assert code == 0
    assert json.loads(out)["violated_now"]
    code, out, _ = run("explain", impossible(tmp_path), "--mode", "place")
    assert code == 3
    assert json.loads(out)["explanation"]["blocked"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["solve", "{i}", "--mode", "dance"],
        ["solve", "{i}"],
        ["solve", "{i}", "--mode", "repair", "--objective", "luck"],
        ["solve", "{i}", "--mode", "repair", "--objective", "energy=x"],
        ["solve", "{i}", "--mode", "repair", "--objective", "energy=1,cost"],
        ["solve", "{i}", "--mode", "repair", "--objective", "energy,energy"],
        ["solve", "{i}", "--mode", "repair", "--objective", "energy,balance"],
        ["solve", "{i}", "--mode", "repair", "--objective", "makespan=0"],
        ["solve", "{i}", "--mode", "repair", "--payback", "0"],
        ["solve", "{i}", "--mode", "repair", "--time-limit", "0"],
        ["solve", "{i}", "--mode", "repair", "--seed", "-1"],
        ["solve", "absent.json", "--mode", "repair"],
        ["generate", "x.pl", "--hosts", "0"],
        ["generate", "x.pl", "--constrained", "101"],
        ["generate", "x.pl", "--scale", "0"],
        ["generate", "x.pl", "--hosts", "10", "--scale", "9"],
        [],
    ],
)
def test_bad_input_is_one_line_and_code_2(run, instance, arguments):
    code, out, err = run(*[a.replace("{i}", str(instance)) for a in arguments])
    assert (code, out) == (2, "")
    assert err.startswith("placement: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "objective",
    ["sum_of_ends", "makespan", "energy,migrated_memory", "cost=2,co2=1", "balance", "balance=1,makespan=2"],
)
def test_objectives(run, tmp_path, objective):
    path = tmp_path / "i.pl"
    run("generate", path, "--scenario", "drain", "--hosts", "4", "--ratio", "3", "--down", "0.25")
    code, out, _ = run("solve", path, "--mode", "repair", "--objective", objective)
    answer = json.loads(out)
    assert code == 0
    assert answer["objective"] == objective
    assert answer["bound"] <= answer["cost"]


def test_nothing_found_in_time(run, tmp_path):
    path = tmp_path / "i.pl"
    run("generate", path, "--scenario", "drain", *SMALL)
    code, out, _ = run("solve", path, "--mode", "energy", "--time-limit", "0.000001")
    assert code in (0, 4)
    assert json.loads(out)["status"] in ("FEASIBLE", "OPTIMAL", "UNKNOWN")
