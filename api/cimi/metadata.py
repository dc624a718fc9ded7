"""ResourceMetadata, made from the model: what every kind has and can do here (5.11)."""

from collections.abc import Mapping

from api.cimi.model.attribute import Access, Attribute, Type, Value, Values
from api.cimi.model.kind import SIROCCO, Kind
from api.cimi.resource import Resource
from sirocco.contracts.errors import NOT_FOUND, SiroccoError

_TRUE = "true"
_CAPABILITIES: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "CloudEntryPoint": {
        "ExpandParameter": (_TRUE, "$expand inlines references."),
        "FilterParameter": (_TRUE, "$filter chooses items."),
        "FirstParameter": (_TRUE, "$first and $last cut a collection."),
        "SelectParameter": (_TRUE, "$select chooses attributes."),
        "FormatParameter": (_TRUE, "$format chooses JSON or XML."),
        "OrderByParameter": (_TRUE, "$orderby sorts items."),
        "MaxPropertyItems": ("64", "Properties of one resource."),
    },
    "Machine": {
        "DefaultInitialState": ("STARTED", "State of a new machine whose template names none."),
        "InitialStates": ("STARTED,STOPPED", "States that a template may name."),
        "MachineConfigByValue": (_TRUE, "A template may hold its configuration."),
        "MachineCredentialByValue": (_TRUE, "A template may hold its credential."),
        "MachineTemplateByValue": (_TRUE, "A create message may hold its template."),
        "MachineStopForce": (_TRUE, "stop and restart take force."),
        "MachineStopForceDefault": ("false", "Nothing is forced unless asked for."),
        "UserData": ("disk", "User data is on a disk in the machine."),
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
    "EventLog": {"Linked": (_TRUE, "A log is deleted with its resource.")},
}


def metadata(kind: Kind, resource: Resource | None, version: int) -> Values:
    """The metadata of one kind."""
    return {
        "id": f"resourceMetadata/{kind.name}",
        "typeURI": kind.uri(version),
        "name": kind.name,
        "attributes": [_attribute(kind, attribute, version) for attribute in kind.shown(version)],
        "capabilities": _capabilities(kind, version),
        "actions": _actions(kind, resource, version),
    }


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
    return [
        {
            "name": name,
            "uri": f"http://schemas.dmtf.org/cimi/{version}/capability/{kind.name}/{name}",
            "description": description,
            "value": value,
        }
        for name, (value, description) in _CAPABILITIES.get(kind.name, {}).items()
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
