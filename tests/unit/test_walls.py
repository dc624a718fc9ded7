"""The house keeps its shape: sizes, import costs, names, and nothing that names a registry or one machine."""

import ast
import json
import re
import statistics
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("sirocco", "workflows", "activities", "web", "api", "placement", "ovf", "client/sirocco_client")
MODULES = sorted(
    path for room in ROOMS for path in (ROOT / room).rglob("*.py") if not {"versions", "node_modules"} & set(path.parts)
)


def functions(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.end_lineno - node.lineno + 1


LENGTHS = {(path, name): length for path in MODULES for name, length in functions(path)}


def test_no_module_is_longer_than_400_lines():
    sizes = {path: len(path.read_text().splitlines()) for path in MODULES}
    assert {str(path.relative_to(ROOT)): size for path, size in sizes.items() if size > 400} == {}


def test_no_function_is_longer_than_60_lines():
    assert {f"{path.relative_to(ROOT)}:{name}": n for (path, name), n in LENGTHS.items() if n > 60} == {}


def test_the_median_function_has_less_than_15_lines():
    assert statistics.median(LENGTHS.values()) < 15


def test_no_module_is_named_after_nothing():
    vague = {"utils.py", "util.py", "helpers.py", "helper.py", "manager.py", "common.py", "misc.py"}
    allowed = {"api/cimi/model/common.py"}  # CIMI's own word: the attributes common to all resources
    found = {str(path.relative_to(ROOT)) for path in MODULES if path.name in vague}
    assert found <= allowed


def test_nobody_else_provides_our_top_level_names():
    ours = {"sirocco", "workflows", "activities", "web", "api", "placement", "ovf"}
    providers = packages_distributions()
    assert {name: providers[name] for name in ours & providers.keys() if set(providers[name]) != {"sirocco-iaas"}} == {}


def loaded_by(module):
    script = f"import json, sys; import {module}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    return {name.partition(".")[0] for name in json.loads(done.stdout)} | set(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("module", "late"),
    [
        ("sirocco.server", {"libvirt", "ortools", "numpy", "temporalio", "activities", "workflows"}),
        ("sirocco.worker", {"libvirt", "ortools", "numpy", "flask", "web", "api"}),
        ("sirocco.console.__main__", {"libvirt", "ortools", "numpy", "temporalio", "flask"}),
        ("sirocco.admin", {"libvirt", "ortools", "numpy", "temporalio", "flask", "sqlalchemy"}),
        ("sirocco_client.cli", {"rich", "yaml", "httpx", "pydantic", "sirocco", "asyncio"}),
        ("placement", {"ortools", "numpy", "matplotlib", "sirocco"}),
        ("ovf", {"sirocco"}),
    ],
)
def test_nothing_heavy_is_imported_before_it_is_needed(module, late):
    assert loaded_by(module) & late == set()


def tracked():
    done = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, check=True, cwd=ROOT)
    return [ROOT / name for name in done.stdout.split("\0") if name]


def test_no_registry_and_no_path_of_one_machine_is_named():
    forbidden = re.compile("pypi[.]org|registry[.]npmjs|deb[.]debian[.]org|files[.]pythonhosted")
    found = {}
    for path in tracked():
        if path.suffix in {".png", ".gz", ".ico", ".woff2"} or not path.is_file():
            continue
        text = path.read_text(errors="ignore")
        if forbidden.search(text) or str(ROOT) + "/" in text:
            found[str(path.relative_to(ROOT))] = True
    assert found == {}
