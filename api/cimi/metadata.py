"""ResourceMetadata, made from the model: what every kind has and can do here, and at each provider (5.11)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, cast

from api.cimi.model.attribute import Access, Attribute, Type, Value, Values
from api.cimi.model.kind import SIROCCO, Kind
from api.cimi.resource import Resource
from sirocco.connectors.kinds import ProviderKind
from sirocco.connectors.kinds import Value as Setting
from sirocco.contracts import capabilities as cap
from sirocco.contracts.errors import NOT_FOUND, SiroccoError
from sirocco.services import retention

_TRUE = "true"
_CAPABILITIES: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "CloudEntryPoint": {
        "ExpandParameter": (_TRUE, "$expand inlines references."),
        "FilterParameter": (_TRUE, "$filter chooses items."),
        "FirstParameter": (_TRUE, "$first and $last cut a collection."),
        "SelectParameter": (_TRUE, "$select chooses attributes."),
        "FormatParameter": (_TRUE, "$format chooses JSON or XML."),
        "OrderByParameter": (_TRUE, "$orderby sorts items."),
        "QueryPathNotation": (_TRUE, "$select and $expand take paths, as in machines/name."),
        "ValueScopes": (_TRUE, "Metadata of version 2 state which values attributes may have."),
        "MaxPropertyItems": ("64", "Properties of one resource."),
    },
    "Machine": {
        "DefaultInitialState": ("STARTED", "State of a new machine whose template names none."),
        "InitialStates": ("STARTED,STOPPED,PAUSED", "States that a template may name."),
        "MachineConfigByValue": (_TRUE, "A template may hold its configuration."),
        "MachineCredentialByValue": (_TRUE, "A template may hold its credential."),
        "MachineTemplateByValue": (_TRUE, "A create message may hold its template."),
        "MachineVolumeTemplatesByValue": (_TRUE, "A template may hold templates of volumes."),
        "MachineStopForce": (_TRUE, "stop and restart take force."),
        "MachineStopForceDefault": ("false", "Nothing is forced unless asked for."),
        "UserData": ("disk", "User data is on a disk in the machine."),
        "RestoreFromImage": ("false", "A machine is restored to its own snapshots."),
    },
    "Credential": {"CredentialTemplateByValue": (_TRUE, "A create message may hold its template.")},
    "Volume": {
        "VolumeConfigByValue": (_TRUE, "A template may hold its configuration."),
        "VolumeSnapshot": (_TRUE, "Images are made of volumes."),
        "VolumeTemplateByValue": (_TRUE, "A create message may hold its template."),
    },
    "Network": {
        "NetworkTemplateByValue": (_TRUE, "A create message may hold its template."),
        "DefaultInitialState": ("STARTED", "State of a new network whose template names none."),
        "InitialStates": ("STARTED,STOPPED", "States that a template may name."),
    },
    "Job": {"JobRetention": (str(retention.KEPT // timedelta(minutes=1)), "Minutes for which an ended job is kept.")},
    "EventLog": {"Linked": (_TRUE, "A log is deleted with its resource.")},
}
_SETTINGS: Mapping[Setting, str] = {
    Setting.TEXT: Type.STRING,
    Setting.SECRET: Type.STRING,
    Setting.CHOICE: Type.STRING,
    Setting.NUMBER: Type.NUMBER,
    Setting.FLAG: Type.BOOLEAN,
    Setting.LINES: f"{Type.DATA}[]",
}
_UNITS = frozenset({"KiB", "kB", "MHz"})
PROVIDED = {"Machine": "machine.", "Volume": "volume", "Network": "network."}
"""The kinds whose capabilities depend on the provider, and how its names of them begin."""

Stated = Sequence[Mapping[str, Any]]


def metadata(kind: Kind, resource: Resource | None, version: int) -> Values:
    """The metadata of one kind."""
    return {
        "id": f"resourceMetadata/{kind.name}",
        "typeURI": kind.uri(version),
        "name": kind.name,
        "attributes": [_attribute(kind, attribute, version) for attribute in kind.shown(version)],
        "capabilities": _capabilities(kind, version),
        "actions": _actions(kind, resource, version),
        "vscope": [scope] if (scope := _scope(kind, version)) else [],
    }


def at_provider(document: Values, kind: Kind, provider_id: str, stated: Stated, version: int) -> Values:
    """The metadata of a kind as it is at one provider: with what the provider stated it can do."""
    able = {str(entry["name"]): entry["value"] for entry in stated}
    narrowed = (
        {}
        if kind.name == "Network"
        else {
            "InitialStates": "STARTED,STOPPED,PAUSED" if cap.PAUSE in able else "STARTED,STOPPED",
            "MachineStopForce": _word(cap.STOP_FORCE in able),
            "UserData": "disk" if cap.USER_DATA in able else "",
            "VolumeSnapshot": _word(cap.VOLUME_CAPTURE in able),
        }
    )
    general = _CAPABILITIES.get(kind.name, {})
    shown = {name: (narrowed.get(name, value), text) for name, (value, text) in general.items()}
    own: list[Value] = [
        {
            "name": name,
            "uri": f"{SIROCCO}/capability/{name}",
            "description": "Stated by the provider.",
            "value": _word(value),
        }
        for name, value in able.items()
        if name.startswith(PROVIDED[kind.name])
    ]
    entries = [entry for entry in _entries(kind, shown, version) if cast("Values", entry)["value"]]
    return document | {"id": f"{document['id']}.{provider_id}", "capabilities": entries + own}


def of_provider_kind(document: Values, known: ProviderKind, translate: Callable[[str], str]) -> Values:
    """The metadata of providers of one kind: its settings as attributes, and what each means as a capability."""
    attributes: list[Value] = [
        {
            "name": one.where,
            "namespace": SIROCCO,
            "type": _SETTINGS[one.value],
            "required": one.required,
            "providerMandatory": False,
            "consumerMandatory": one.required,
            "mutable": True,
            "consumerWritable": True,
        }
        for one in known.settings
    ]
    meanings: list[Value] = [
        {
            "name": one.where,
            "uri": f"{SIROCCO}/setting/{known.name}/{one.name}",
            "description": ". ".join(translate(text).rstrip(".") for text in (one.label, one.help) if text) + ".",
            "value": ",".join(value for value, _ in one.choices) or one.value.value,
        }
        for one in known.settings
    ]
    return document | {
        "id": f"{document['id']}.{known.name}",
        "attributes": [*cast("list[Value]", document["attributes"]), *attributes],
        "capabilities": [*cast("list[Value]", document["capabilities"]), *meanings],
    }


def _word(value: object) -> str:
    """A capability's value as metadata state it."""
    if isinstance(value, bool):
        return _TRUE if value else "false"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _scope(kind: Kind, version: int) -> Values:
    """The values that attributes may have (5.5.14), by attribute."""
    writable = (one for one in kind.shown(version) if one.access is not Access.READ)
    return {one.name: scope for one in writable if (scope := _scope_of(one))}


def _scope_of(attribute: Attribute) -> Values:
    if attribute.values:
        return {"values": [str(value) for value in attribute.values]}
    bounds = {"minimum": attribute.minimum, "maximum": attribute.maximum}
    scope: Values = {name: bound for name, bound in bounds.items() if bound is not None}
    units = attribute.description if attribute.description in _UNITS else ""
    return scope | ({"units": units} if units else {})


def _attribute(kind: Kind, attribute: Attribute, version: int) -> Value:
    mandatory = attribute.name in {"id", "name", "state"}
    return {
        "name": attribute.name,
        "namespace": SIROCCO if attribute.extension or kind.own else kind.namespace(version),
        "type": _type(attribute),
        "required": mandatory or attribute.required,
        "providerMandatory": mandatory,
        "consumerMandatory": attribute.required,
        "mutable": attribute.access is not Access.CREATE,
        "consumerWritable": attribute.access is Access.EDIT,
    }


def _type(attribute: Attribute) -> str:
    of = f"[{attribute.kind}]" if attribute.type is Type.COLLECTION else ""
    return f"{attribute.type}{of}{'[]' if attribute.many else ''}"


def _capabilities(kind: Kind, version: int) -> list[Value]:
    return _entries(kind, _CAPABILITIES.get(kind.name, {}), version)


def _entries(kind: Kind, capabilities: Mapping[str, tuple[str, str]], version: int) -> list[Value]:
    return [
        {
            "name": name,
            "uri": f"http://schemas.dmtf.org/cimi/{version}/capability/{kind.name}/{name}",
            "description": description,
            "value": value,
        }
        for name, (value, description) in capabilities.items()
    ]


def _actions(kind: Kind, resource: Resource | None, version: int) -> list[Value]:
    if resource is None:
        return []
    found: list[tuple[str, str, str, str, str, str]] = []
    if resource.create is not None:
        message = kind.create if kind.template else kind.name
        found.append(("add", "add", "Make one.", "POST", message, kind.name))
    if resource.update is not None:
        found.append(("edit", "edit", "Change it.", "PUT", kind.name, kind.name))
    if resource.delete is not None:
        found.append(("delete", "delete", "Delete it.", "DELETE", "", "Job"))
    found += [
        (action.name, action.uri(version), action.description, "POST", "Action", "Job")
        for action in resource.actions
        if version in action.versions
    ]
    names = ("name", "uri", "description", "method", "inputMessage", "outputMessage")
    return [dict(zip(names, entry, strict=True)) for entry in found]


def kind_of(kinds: Mapping[str, Kind], name: str, version: int) -> Kind:
    """The kind that a metadata id names."""
    kind = kinds.get(name)
    if kind is None or version not in kind.versions:
        raise SiroccoError(NOT_FOUND, kind="resource metadata", id=name)
    return kind
