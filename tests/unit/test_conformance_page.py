"""The page of what providers have been shown to do."""

import json

import pytest

from tests.connector.conformance import evidence
from tools import conformance


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setattr(evidence, "RESULTS", tmp_path)
    return tmp_path


def test_the_weakest_evidence_of_several_tests_counts(results):
    evidence.write("one", "test_a", ("core", "watch"), "proven")
    evidence.write("one", "test_b", ("core",), "injected only")
    evidence.write("one", "test_c", ("volume",), "not offered")
    column = conformance.measured(results)["one"]
    assert column["core"] == "injected only"
    assert column["watch"] == "proven"
    assert column["volume"] == "not offered"
    assert column["hosts"] == "not shown"


def test_one_failure_outweighs_all(results):
    evidence.write("one", "test_a", ("core",), "proven")
    evidence.write("one", "test_b", ("core",), "failed")
    assert conformance.measured(results)["one"]["core"] == "**failed**"


def test_a_later_run_replaces_what_a_test_has_shown(results):
    evidence.write("one", "test_a[x/y]", ("core",), "failed")
    evidence.write("one", "test_a[x/y]", ("core",), "proven")
    assert [json.loads(file.read_text())["verdict"] for file in results.rglob("*.json")] == ["proven"]


def test_columns_survive_the_page():
    columns = {"fake": dict.fromkeys(conformance.NAMES, "fake only"), "b": dict.fromkeys(conformance.NAMES, "proven")}
    assert conformance.parse(conformance.render(columns)) == columns
    assert conformance.parse("") == {}


def test_a_difference_is_told_and_an_endpoint_that_did_not_run_keeps_its_column(results, tmp_path, monkeypatch, capsys):
    page = tmp_path / "page.md"
    page.write_text(conformance.render({"far": dict.fromkeys(conformance.NAMES, "proven")}))
    evidence.write("near", "test_a", ("core",), "fake only")
    monkeypatch.setattr(conformance, "PAGE", page)
    monkeypatch.setattr(conformance, "RESULTS", results)
    monkeypatch.setattr("sys.argv", ["conformance", "--check"])
    assert conformance.main() == 1
    assert "out of date" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", ["conformance"])
    assert conformance.main() == 0
    monkeypatch.setattr("sys.argv", ["conformance", "--check"])
    assert conformance.main() == 0
    assert set(conformance.parse(page.read_text())) == {"far", "near"}
    assert conformance.parse(page.read_text())["far"]["core"] == "proven"


def test_without_results_nothing_is_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(conformance, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(conformance, "RESULTS", tmp_path / "none")
    monkeypatch.setattr("sys.argv", ["conformance"])
    assert conformance.main() == 1
    assert not (tmp_path / "page.md").exists()
    assert "run pytest" in capsys.readouterr().err
