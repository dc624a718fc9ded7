"""The registry's description is sound, and the generated parts of the reference are up to date."""

import json

import pytest
from jsonschema import Draft202012Validator

from api.openapi import document
from api.reference import pages
from api.routes import routes
from sirocco.contracts.errors import catalogue


@pytest.mark.parametrize("name", ["api.md", "openapi.json"])
def test_generated_pages_are_current(name):
    path, text = next((path, text) for path, text in pages().items() if path.name == name)
    assert path.read_text(encoding="utf-8") == text, f"run: python -m api.reference ({name})"


def test_every_refusal_is_documented():
    text = next(text for path, text in pages().items() if path.name == "api.md")
    assert [code for code in catalogue() if f"`{code}`" not in text] == []


def test_every_route_is_described_once():
    described = json.loads(document(routes()))
    operations = [one for path in described["paths"].values() for one in path.values()]
    assert len(operations) == len(routes())
    assert len({one["operationId"] for one in operations}) == len(operations)
    assert all("x-role" in one for one in operations)


def test_every_schema_is_one():
    described = json.loads(document(routes()))
    for schema in described["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for path in described["paths"].values():
        for operation in path.values():
            if "requestBody" in operation:
                Draft202012Validator.check_schema(operation["requestBody"]["content"]["application/json"]["schema"])
