"""The JSON of BtrPlace (scheduler 1.x): instances and plans, read and written."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from placement.errors import InputError
from placement.formats import native
from placement.formats.codec import ID_TYPES, Codec, check_order
from placement.formats.document import Document, entry, real, whole
from placement.formats.network import UNLIMITED, read_network, write_network
from placement.instance import Instance
from placement.model import (
    VM_KINDS,
    Action,
    BoolArray,
    Hosts,
    Id,
    IntArray,
    Kind,
    Model,
    Plan,
    Vms,
    VmState,
    action_order,
)

SECONDS = {
    Kind.BOOT: "boot", Kind.SHUTDOWN: "shutdown", Kind.MIGRATE: "migrate", Kind.SUSPEND: "suspend",
    Kind.RESUME: "resume", Kind.KILL: "kill", Kind.ALLOCATE: "allocate",
}  # fmt: skip
"""Attribute of a VM that gives the duration of a kind of action; BtrPlace's default is 1 s."""
NAMING = ("ns", "ns.vm", "ns.node")
"""Views that give names to ids: accepted and left out."""


def read_instance(document: Document) -> Instance:
    """The instance that a document describes; InputError says what is wrong and where."""
    root = document.root
    model = read_model(entry(root, "model", "document", dict))
    codec = Codec(model, own=False, document=document)
    listed = root.get("constraints", [])
    if not isinstance(listed, list):
        raise InputError("constraints: a list is expected")
    found = [codec.read(value, f"constraints[{n}]") for n, value in enumerate(listed)]
    constraints = tuple(dict.fromkeys(found))
    check_order(constraints, model)
    objective = root.get("objective", {"id": "minimizeMTTR"})
    return Instance(model, constraints, entry(objective, "id", "objective", str))


def read_model(root: Mapping[str, Any]) -> Model:
    """The model in an object with mapping, attributes and views."""
    mapping = entry(root, "mapping", "model", dict)
    hosts, online = _host_ids(mapping)
    vms, state, host = _vm_ids(mapping, {h: n for n, h in enumerate(hosts)})
    attributes = root.get("attributes", {})
    views = root.get("views", [])
    if not isinstance(views, list) or not all(isinstance(v, dict) for v in views):
        raise InputError("model.views: a list of objects is expected")
    resources = [v for v in views if v.get("id") == "shareableResource"]
    names, capacity, demand = _resources(resources, hosts, vms)
    unknown = [v.get("id") for v in views if v.get("id") not in ("shareableResource", "net", *NAMING)]
    if unknown:
        raise InputError(f"model.views: view {unknown[0]!r} is unknown")
    of_hosts, of_vms = (_attributes(attributes, kind) for kind in ("nodes", "vms"))
    bandwidth, links = read_network([v for v in views if v.get("id") == "net"], hosts)
    model_hosts = Hosts(
        ids=tuple(hosts),
        capacity=capacity,
        ratio=np.ones(capacity.shape),
        reserve=np.zeros_like(capacity),
        online=online,
        idle_power=_milliwatts(of_hosts, hosts, "idlePower"),
        max_power=np.maximum(_milliwatts(of_hosts, hosts, "maxPower"), _milliwatts(of_hosts, hosts, "idlePower")),
        boot=_column(of_hosts, hosts, "boot", 1, "node", 1),
        shutdown=_column(of_hosts, hosts, "shutdown", 1, "node", 1),
        bandwidth=bandwidth,
        parallel=_column(of_hosts, hosts, "parallelMigrations", 0, "node"),
        site=np.zeros(len(hosts), dtype=np.int64),
    )
    return Model(names, model_hosts, _vms(vms, state, host, demand, of_vms, names), links=links)


def _vms(  # noqa: PLR0917
    ids: list[Id],
    state: IntArray,
    host: IntArray,
    demand: IntArray,
    attributes: Mapping[str, Any],
    names: tuple[str, ...],
) -> Vms:
    memory = next((r for r, name in enumerate(names) if "mem" in name.lower() or "ram" in name.lower()), -1)
    guess = demand[memory] if memory >= 0 else np.zeros(len(ids), dtype=np.int64)
    used = _column(attributes, ids, "memUsed", -1, "vm", -1)
    return Vms(
        ids=tuple(ids),
        demand=demand,
        want=demand.copy(),
        state=state,
        host=host,
        memory=np.where(used >= 0, used, guess),
        hot_size=_column(attributes, ids, "hotDirtySize", 0, "vm"),
        hot_seconds=_column(attributes, ids, "hotDirtyDuration", 0, "vm"),
        cold_rate=_cold_rates(attributes, ids),
        seconds=np.array(
            [
                _column(attributes, ids, name, int(kind is not Kind.MIGRATE), "vm", int(kind is not Kind.MIGRATE))
                for kind, name in SECONDS.items()
            ]
        ),
    )


def _host_ids(mapping: Mapping[str, Any]) -> tuple[list[Id], BoolArray]:
    on = list(entry(mapping, "onlineNodes", "model.mapping", dict))
    off = entry(mapping, "offlineNodes", "model.mapping", list)
    status = [(_number(h, "model.mapping.onlineNodes"), True) for h in on]
    status += [(_number(h, "model.mapping.offlineNodes"), False) for h in off]
    status.sort()
    return [h for h, _ in status], np.array([o for _, o in status], dtype=np.bool_)


def _number(value: Any, where: str) -> int:
    """An id: a whole number, or the text of one where it is a key."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 12:
        return int(value)
    if isinstance(value, str):
        raise InputError(f"{where}: id {value[:40]!r} is not a whole number")
    return whole(value, where)


def _vm_ids(mapping: Mapping[str, Any], number: Mapping[Id, int]) -> tuple[list[Id], IntArray, IntArray]:
    found: list[tuple[int, int, int]] = []
    for key, content in mapping["onlineNodes"].items():
        where = f"model.mapping.onlineNodes.{key}"
        for name, state in (("runningVMs", VmState.RUNNING), ("sleepingVMs", VmState.SLEEPING)):
            at = number[int(key)]
            found += [(_number(vm, where), int(state), at) for vm in entry(content, name, where, list)]
    ready = mapping.get("readyVMs", [])
    if not isinstance(ready, list):
        raise InputError("model.mapping.readyVMs: a list is expected")
    found += [(_number(vm, "model.mapping.readyVMs"), int(VmState.READY), -1) for vm in ready]
    found.sort()
    table = np.array(found, dtype=np.int64).reshape(len(found), 3)
    return [vm for vm, _, _ in found], table[:, 1].copy(), table[:, 2].copy()


def _resources(
    views: list[Mapping[str, Any]], hosts: list[Id], vms: list[Id]
) -> tuple[tuple[str, ...], IntArray, IntArray]:
    names = tuple(entry(view, "rcId", "model.views", str) for view in views)
    tables = []
    for elements, key, default in ((hosts, "nodes", "defCapacity"), (vms, "vms", "defConsumption")):
        rows = []
        for name, view in zip(names, views, strict=True):
            where = f"model.views.{name}.{key}"
            usual = whole(view.get(default, 0), f"model.views.{name}.{default}")
            rows.append(_values(entry(view, key, f"model.views.{name}", dict), elements, usual, where))
        tables.append(np.array(rows, dtype=np.int64).reshape(len(names), len(elements)))
    return names, tables[0], tables[1]


def _values(given: Mapping[str, Any], elements: list[Id], usual: int, where: str) -> IntArray:
    if len(given) > len(elements) or not given.keys() <= {str(e) for e in elements}:
        stranger = next(iter(given.keys() - {str(e) for e in elements}))
        raise InputError(f"{where}: {stranger[:40]!r} is not in the mapping")
    values = [given.get(str(e), usual) for e in elements]
    if set(map(type, values)) <= {int} and (not values or (min(values) >= 0 and max(values) <= 1 << 40)):
        return np.array(values, dtype=np.int64)
    return np.array([whole(v, f"{where}.{e}") for v, e in zip(values, elements, strict=True)], dtype=np.int64)


def _attributes(attributes: Any, kind: str) -> Mapping[str, Any]:
    if not isinstance(attributes, dict) or not isinstance(attributes.get(kind, {}), dict):
        raise InputError(f"model.attributes.{kind}: an object is expected")
    found: Mapping[str, Any] = attributes.get(kind, {})
    if not all(isinstance(value, dict) for value in found.values()):
        raise InputError(f"model.attributes.{kind}: an object of attributes is expected for each element")
    return found


def _column(attributes: Mapping[str, Any], ids: list[Id], name: str, usual: int, what: str, least: int = 0) -> IntArray:  # noqa: PLR0917
    if not attributes:
        return np.full(len(ids), usual, dtype=np.int64)
    nothing: dict[str, Any] = {}
    values = [attributes.get(str(i), nothing).get(name, usual) for i in ids]
    if set(map(type, values)) <= {int} and values and least <= min(values) and max(values) <= 1 << 40:
        return np.array(values, dtype=np.int64)
    return np.array([whole(v, f"{what} {i}: {name}", least) for v, i in zip(values, ids, strict=True)], dtype=np.int64)


def _milliwatts(attributes: Mapping[str, Any], ids: list[Id], name: str) -> IntArray:
    watts = [attributes.get(str(i), {}).get(name, 0) for i in ids]
    return np.array(
        [round(1000 * real(w, f"node {i}: {name}")) for w, i in zip(watts, ids, strict=True)], dtype=np.int64
    )


def _cold_rates(attributes: Mapping[str, Any], ids: list[Id]) -> np.ndarray:
    nothing: dict[str, Any] = {}
    rates = []
    for i in ids:
        given = attributes.get(str(i), nothing)
        rates.append(real(given.get("coldDirtyRate", given.get("dirtyRate", 0)), f"vm {i}: coldDirtyRate"))
    return np.array(rates, dtype=np.float64)


def write_instance(instance: Instance) -> dict[str, Any]:
    """The document that describes an instance; InputError where BtrPlace has no words for it."""
    codec = Codec(instance.model, own=False)
    return {
        "model": write_model(instance.model),
        "constraints": [codec.write(c) for c in instance.constraints],
        "objective": {"id": instance.objective},
    }


def write_model(model: Model) -> dict[str, Any]:
    """The object that describes a model."""
    hosts, vms = model.hosts, model.vms
    if not all(isinstance(i, int) for i in (*hosts.ids, *vms.ids)):
        raise InputError("BtrPlace knows whole numbers as ids only; this model has others")
    if (hosts.ratio != 1).any() or hosts.reserve.any():
        raise InputError("BtrPlace knows no reserve, and overbooking only as a constraint; this model has one of them")
    online: dict[str, Any] = {
        str(i): {"runningVMs": [], "sleepingVMs": []} for i, on in zip(hosts.ids, hosts.online, strict=True) if on
    }
    for i, host, state in zip(vms.ids, vms.host.tolist(), vms.state.tolist(), strict=True):
        if host >= 0:
            online[str(hosts.ids[host])]["runningVMs" if state == VmState.RUNNING else "sleepingVMs"].append(i)
    mapping = {
        "onlineNodes": online,
        "offlineNodes": [i for i, on in zip(hosts.ids, hosts.online, strict=True) if not on],
        "readyVMs": [i for i, state in zip(vms.ids, vms.state, strict=True) if state == VmState.READY],
    }
    return {
        "mapping": mapping,
        "attributes": {"nodes": _host_attributes(model), "vms": _vm_attributes(model)},
        "views": [_resource_view(model, r) for r in range(len(model.resources))] + write_network(model),
    }


def _host_attributes(model: Model) -> dict[str, Any]:
    hosts = model.hosts
    columns = {
        "idlePower": (hosts.idle_power / 1000).tolist(),
        "maxPower": (hosts.max_power / 1000).tolist(),
        "boot": hosts.boot.tolist(),
        "shutdown": hosts.shutdown.tolist(),
        "parallelMigrations": hosts.parallel.tolist(),
    }
    return {str(i): {k: column[n] for k, column in columns.items()} for n, i in enumerate(hosts.ids)}


def _vm_attributes(model: Model) -> dict[str, Any]:
    vms = model.vms
    columns = {
        "memUsed": vms.memory.tolist(),
        "hotDirtySize": vms.hot_size.tolist(),
        "hotDirtyDuration": vms.hot_seconds.tolist(),
        "coldDirtyRate": vms.cold_rate.tolist(),
    }
    columns |= {SECONDS[kind]: row.tolist() for kind, row in zip(VM_KINDS, vms.seconds, strict=True)}
    return {str(i): {k: column[n] for k, column in columns.items()} for n, i in enumerate(vms.ids)}


def _resource_view(model: Model, resource: int) -> dict[str, Any]:
    return {
        "id": "shareableResource",
        "rcId": model.resources[resource],
        "defCapacity": 0,
        "defConsumption": 0,
        "nodes": dict(zip(map(str, model.hosts.ids), model.hosts.capacity[resource].tolist(), strict=True)),
        "vms": dict(zip(map(str, model.vms.ids), model.vms.demand[resource].tolist(), strict=True)),
    }


ON_HOST = (Kind.SHUTDOWN, Kind.KILL, Kind.ALLOCATE)
FROM_TO = (Kind.MIGRATE, Kind.SUSPEND, Kind.RESUME)
HOST_KINDS = (Kind.BOOT_HOST, Kind.SHUTDOWN_HOST)


def write_plan(plan: Plan) -> dict[str, Any]:
    """The document that describes a plan: its origin and its actions, start and end in s.

    Where BtrPlace has no words for the origin (ids that are texts, reserves, ratios) it is written in our own format.
    """
    try:
        origin = write_model(plan.origin)
    except InputError:
        origin = native.write_instance(Instance(plan.origin))
    return {"origin": origin, "actions": [_write_action(plan.origin, a) for a in plan.actions]}


def _write_action(model: Model, action: Action) -> dict[str, Any]:
    hosts, kind = model.hosts.ids, action.kind
    result: dict[str, Any] = {"id": kind.value, "start": action.start, "end": action.end}
    if kind in HOST_KINDS:
        return result | {"node": hosts[action.target], "hooks": {"pre": [], "post": []}}
    result["vm"] = model.vms.ids[action.vm]
    grants = [
        {"id": "allocate", "rc": model.resources[r], "vm": result["vm"], "amount": amount}
        for r, amount in action.allocation
    ]
    if kind is Kind.ALLOCATE:
        result |= {"on": hosts[action.target], "rc": grants[0]["rc"], "amount": grants[0]["amount"]}
        grants = []
    elif kind in ON_HOST:
        result |= {"on": hosts[action.source]} if action.source >= 0 else {}
    elif kind in FROM_TO:
        target = action.source if kind is Kind.SUSPEND else action.target
        result |= {"from": hosts[action.source], "to": hosts[target]}
    else:
        result["to"] = hosts[action.target]
    if kind is Kind.MIGRATE and action.bandwidth:
        result["bw"] = action.bandwidth
    return result | {"hooks": {"pre": grants, "post": []}}


def read_plan(document: Document, model: Model | None = None) -> Plan:
    """The plan in a document; `model` spares reading its origin where the same is at hand already."""
    origin = _read_origin(entry(document.root, "origin", "document", dict)) if model is None else model
    listed = entry(document.root, "actions", "document", list)
    actions = [_read_action(origin, value, f"actions[{n}]") for n, value in enumerate(listed)]
    return Plan(origin, tuple(sorted(actions, key=action_order)))


def _read_origin(root: Mapping[str, Any]) -> Model:
    return native.read_model(root) if "format" in root else read_model(root)


def _read_action(model: Model, value: Any, where: str) -> Action:
    name = entry(value, "id", where, str)
    if name not in list(Kind):
        raise InputError(f"{where}: action {name!r} is unknown")
    kind = Kind(name)
    start, end = (whole(value.get(key), f"{where}.{key}") for key in ("start", "end"))
    if kind in HOST_KINDS:
        host = _known(model.host_number, value, "node", where)
        return Action(kind, -1, host, host, start, end)
    vm = _known(model.vm_number, value, "vm", where)
    if kind in ON_HOST:
        source = _known(model.host_number, value, "on", where) if "on" in value or kind is not Kind.KILL else -1
        target = source if kind is Kind.ALLOCATE else -1
    else:
        target = -1 if kind is Kind.SUSPEND else _known(model.host_number, value, "to", where)
        source = -1 if kind is Kind.BOOT else _known(model.host_number, value, "from", where)
    bandwidth = whole(value.get("bw", 0), f"{where}.bw")
    bandwidth = 0 if bandwidth >= UNLIMITED else bandwidth
    return Action(kind, vm, source, target, start, end, bandwidth, _grants(model, value, where))


def _known(numbers: Mapping[Id, int], value: Mapping[str, Any], key: str, where: str) -> int:
    number = numbers.get(value[key]) if type(value.get(key)) in ID_TYPES else None
    if number is None:
        raise InputError(f"{where}.{key}: {str(value.get(key))[:40]!r} is not in the model")
    return number


def _grants(model: Model, value: Mapping[str, Any], where: str) -> tuple[tuple[int, int], ...]:
    hooks = value.get("hooks", {})
    lists: list[Any] = list(hooks.values()) if isinstance(hooks, dict) else [None]
    if not all(isinstance(events, list) and all(isinstance(e, dict) for e in events) for events in lists):
        raise InputError(f"{where}.hooks: an object with lists of events is expected")
    grants = [event for events in lists for event in events if event.get("id") in ("allocate", "allocateEvent")]
    if value["id"] == Kind.ALLOCATE:
        grants = [value]
    found = []
    for grant in grants:
        if grant.get("rc") not in model.resources:
            raise InputError(f"{where}: resource {str(grant.get('rc'))[:40]!r} is not in the model")
        found.append((model.resources.index(grant["rc"]), whole(grant.get("amount"), f"{where}.amount")))
    return tuple(found)
