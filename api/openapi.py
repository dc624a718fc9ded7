"""OpenAPI 3.1 from the registry: what is served is what is described."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from api.cimi.codec.limits import ENTRIES, FILTER
from api.cimi.codec.wire import prefix
from api.cimi.model import KINDS
from api.cimi.model.attribute import Access, Attribute, Type
from api.cimi.model.kind import Kind
from api.routes import Input, Public, Route

Schema = dict[str, Any]

_SIMPLE: Mapping[Type, Schema] = {
    Type.STRING: {"type": "string"},
    Type.URI: {"type": "string"},
    Type.HEX: {"type": "string", "pattern": "^([0-9A-Fa-f]{2})*$"},
    Type.INTEGER: {"type": "integer"},
    Type.NUMBER: {"type": "number"},
    Type.BOOLEAN: {"type": "boolean"},
    Type.MOMENT: {"type": "string", "format": "date-time"},
}
_QUERY = {
    "$select": "Names of attributes, separated by commas.",
    "$expand": "Names of references to inline, or *.",
    "$format": "json or xml.",
}
_COLLECTION_QUERY = {
    "$filter": "Condition on attributes of the items.",
    "$first": "Position of the first item, from 1.",
    "$last": "Position of the last item.",
    "$orderby": "attribute[:asc|:desc], separated by commas.",
}
_HEADERS = {
    "tenantId": "Id of the tenant to work in.",
    "tenantName": "Name of the tenant to work in.",
}
_WRITE_HEADERS = {
    "Idempotency-Key": "The same key has its effect once.",
    "If-Match": "ETag of the version that may be changed.",
}
_SHARED = (
    *((name, "query", text) for name, text in (_QUERY | _COLLECTION_QUERY).items()),
    *((name, "header", text) for name, text in (_HEADERS | _WRITE_HEADERS).items()),
)


def document(routes: Iterable[Route]) -> str:
    """The description of all routes, as JSON."""
    paths: dict[str, dict[str, Any]] = {}
    versions: set[int] = set()
    for route in routes:
        versions.add(route.version)
        paths.setdefault(prefix(route.version) + route.path, {})[route.method.lower()] = _operation(route)
    schemas = {
        _name(kind, version): _kind(kind, version)
        for version in sorted(versions)
        for kind in KINDS.values()
        if version in kind.versions
    }
    described = {
        "openapi": "3.1.0",
        "info": {
            "title": "Sirocco",
            "version": "1",
            "description": "CIMI (DMTF DSP0263) in the namespaces /1 (below /cimi) and /2 (below /cimi/2).",
            "license": {"name": "LGPL-3.0-or-later", "identifier": "LGPL-3.0-or-later"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "parameters": {_component(name): _parameter(name, place, text) for name, place, text in _SHARED},
            "responses": {f"Refusal_{version}": _refusal(version) for version in sorted(versions)},
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic", "description": "User and password, or an API key."},
                "key": {"type": "http", "scheme": "bearer", "description": "An API key."},
                "session": {"type": "apiKey", "in": "cookie", "name": "sirocco_session"},
            },
        },
        "security": [{"basic": []}, {"key": []}, {"session": []}],
    }
    return json.dumps(described, ensure_ascii=False, separators=(",", ":")) + "\n"


def _name(kind: Kind, version: int) -> str:
    return kind.name if version == 1 else f"{kind.name}_{version}"


def _operation(route: Route) -> Schema:
    operation: Schema = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.kind.name],
        "parameters": _parameters(route),
        "responses": _responses(route),
    }
    if isinstance(route.policy, Public):
        operation["security"] = []
    else:
        operation["x-role"] = route.policy.value
    if route.reads is not None:
        operation["requestBody"] = {
            "required": route.status != 202,
            "content": {"application/json": {"schema": _message(route.reads, route.version)}},
        }
    return operation


def _parameters(route: Route) -> list[Schema]:
    ids = [name for name in ("id", "item", "entry") if f"{{{name}}}" in route.path]
    found = [_parameter(name, "path", "Id.", pattern="^[A-Za-z0-9._:-]{1,64}$") for name in ids]
    shared = [*_HEADERS, *(_WRITE_HEADERS if route.writes else ())]
    if route.method in {"GET", "PUT"}:
        shared += _QUERY
    if route.many:
        shared += _COLLECTION_QUERY
    return found + [{"$ref": f"#/components/parameters/{_component(name)}"} for name in shared]


def _component(name: str) -> str:
    return name.removeprefix("$")


def _parameter(name: str, place: str, description: str, *, pattern: str = "") -> Schema:
    schema: Schema = {"type": "string", "maxLength": FILTER} | ({"pattern": pattern} if pattern else {})
    if name in {"$first", "$last"}:
        schema = {"type": "integer"}
    return {"name": name, "in": place, "description": description, "required": place == "path", "schema": schema}


def _responses(route: Route) -> Schema:
    good = _good(_collection(route) if route.many else _reference(route.gives, route.version))
    refused = {"$ref": f"#/components/responses/Refusal_{route.version}"}
    statuses = {"GET": ("200",), "PUT": ("200", "202"), "DELETE": ("200",), "POST": ("200", "201", "202")}
    answers = dict.fromkeys(statuses[route.method], good)
    if route.makes:
        answers["201"] = _good({"anyOf": [_reference(kind, route.version) for kind in route.makes]})
    return {**answers, "4XX": refused, "503": refused}


def _good(schema: Schema) -> Schema:
    return {"description": "As asked for.", "content": {"application/json": {"schema": schema}, "application/xml": {}}}


def _refusal(version: int) -> Schema:
    return {
        "description": "A refusal: a failed job with stable code and remedy.",
        "content": {"application/json": {"schema": _reference(KINDS["Job"], version)}, "application/xml": {}},
    }


def _reference(kind: Kind, version: int) -> Schema:
    return {"$ref": f"#/components/schemas/{_name(kind, version)}"}


def _collection(route: Route) -> Schema:
    return {
        "type": "object",
        "properties": {
            "resourceURI": {"const": f"{route.gives.uri(route.version)}Collection"},
            "id": {"type": "string"},
            "count": {"type": "integer"},
            route.gives.items: {"type": "array", "items": {"type": "object"}},
            "operations": _OPERATIONS,
        },
        "required": ["resourceURI"],
    }


_OPERATIONS: Schema = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"rel": {"type": "string"}, "href": {"type": "string"}, "available": {"type": "boolean"}},
        "required": ["rel", "href"],
    },
}


def _kind(kind: Kind, version: int) -> Schema:
    properties = {
        attribute.name: _attribute(attribute, version, inside=False)
        for attribute in kind.shown(version)
        if not attribute.secret
    }
    return {
        "type": "object",
        "description": kind.description,
        "properties": {"resourceURI": {"const": kind.uri(version)}, **properties, "operations": _OPERATIONS},
        "required": ["resourceURI"],
    }


def _message(reads: Input, version: int) -> Schema:
    return _object(
        tuple(one for one in reads.attributes if version in one.versions and one.access >= reads.level), version
    )


def _object(attributes: tuple[Attribute, ...], version: int) -> Schema:
    required = [attribute.name for attribute in attributes if attribute.required]
    schema: Schema = {
        "type": "object",
        "properties": {attribute.name: _attribute(attribute, version, inside=True) for attribute in attributes},
        "additionalProperties": False,
    }
    return schema | ({"required": required} if required else {})


def _attribute(attribute: Attribute, version: int, *, inside: bool) -> Schema:
    schema = _one(attribute, version, inside=inside)
    if attribute.many:
        schema = {"type": "array", "items": schema} | ({"maxItems": ENTRIES} if inside else {})
    return schema | ({"description": attribute.description} if attribute.description else {})


def _one(attribute: Attribute, version: int, *, inside: bool) -> Schema:
    match attribute.type:
        case Type.REFERENCE:
            return _linked(attribute, version, inside=inside)
        case Type.COLLECTION:
            return {"type": "object", "properties": {"href": {"type": "string"}}}
        case Type.STRUCTURE if inside:
            return _object(tuple(one for one in attribute.parts if one.access >= Access.CREATE), version)
        case Type.STRUCTURE:
            parts = {one.name: _attribute(one, version, inside=False) for one in attribute.parts}
            return {"type": "object", "properties": parts}
        case Type.MAP:
            longest: Schema = {"maxLength": attribute.longest} if inside else {}
            return {"type": "object", "additionalProperties": {"type": "string", **longest}}
        case Type.DATA:
            return {"type": "object", "additionalProperties": True}
        case _:
            return _simple(attribute, inside=inside)


def _simple(attribute: Attribute, *, inside: bool) -> Schema:
    schema = dict(_SIMPLE[attribute.type])
    if attribute.values:
        schema["enum"] = [str(value) for value in attribute.values]
    if inside and attribute.type in {Type.STRING, Type.URI, Type.HEX}:
        schema["maxLength"] = attribute.longest
    bounds = {"minimum": attribute.minimum, "maximum": attribute.maximum}
    return schema | {name: bound for name, bound in bounds.items() if bound is not None and inside}


def _linked(attribute: Attribute, version: int, *, inside: bool) -> Schema:
    """A reference in an answer; in a request also the document itself, where that may be given by value."""
    properties: Schema = {"href": {"type": "string"}}
    if not inside:
        return {"type": "object", "properties": properties}
    content = KINDS[attribute.kind].shown(version) if attribute.embeddable else ()
    for one in (*attribute.parts, *content):
        if one.access >= Access.CREATE and one.type is not Type.COLLECTION:
            properties[one.name] = _attribute(one, version, inside=True)
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema if attribute.embeddable else schema | {"required": ["href"]}
