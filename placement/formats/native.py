"""Our own compact format: columns instead of objects, groups of hosts named once and used by name.

    {"format": "placement 1", "resources": ["memory", "cpu"], "groups": {"rack1": [1, 2]},
     "sites": [{"name": "paris", "price": 210000, "carbon": 30}],
     "hosts": {"id": [1, 2, 3], "capacity": {"memory": 64000, "cpu": [32, 32, 64]}, "online": true},
     "vms": {"id": [1, 2], "demand": {"memory": 2000, "cpu": [1, 2]}, "host": [1, null], "state": ["running", "ready"]},
     "links": [{"name": "uplink", "hosts": "rack1", "capacity": 1000}],
     "constraints": [{"id": "among", "vms": [1, 2], "host_parts": ["rack1"]}], "objective": "minimizeMTTR"}

A column is a list with one value for each element, or one value for all. Hosts need id and capacity, VMs id and demand;
all else has a default.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from placement.errors import InputError
from placement.formats.codec import ID_TYPES, Codec, check_order
from placement.formats.document import Document, entry, real, whole
from placement.instance import Instance
from placement.model import VM_KINDS, FloatArray, Hosts, Id, IntArray, Kind, Link, Model, Site, Vms, VmState

FORMAT = "placement 1"
SECONDS = {
    Kind.BOOT: "boot", Kind.SHUTDOWN: "shutdown", Kind.MIGRATE: "migrate", Kind.SUSPEND: "suspend",
    Kind.RESUME: "resume", Kind.KILL: "kill", Kind.ALLOCATE: "allocate",
}  # fmt: skip
STATES = {state.name.lower(): state for state in VmState}


def read_instance(document: Document) -> Instance:
    """The instance that a document describes; InputError says what is wrong and where."""
    root = document.root
    model = read_model(root)
    codec = Codec(model, own=True, document=document)
    listed = root.get("constraints", [])
    if not isinstance(listed, list):
        raise InputError("constraints: a list is expected")
    constraints = tuple(dict.fromkeys(codec.read(value, f"constraints[{n}]") for n, value in enumerate(listed)))
    check_order(constraints, model)
    objective = root.get("objective", "minimizeMTTR")
    if not isinstance(objective, str):
        raise InputError("objective: text is expected")
    return Instance(model, constraints, objective)


def read_model(root: Mapping[str, Any]) -> Model:
    """The model in a document of our own; InputError says what is wrong and where."""
    if root.get("format") != FORMAT:
        raise InputError(f"format: {FORMAT!r} is expected")
    names = tuple(_texts(entry(root, "resources", "document", list), "resources"))
    sites, site_names = _sites(root.get("sites", []))
    hosts = _hosts(entry(root, "hosts", "document", dict), names, site_names)
    number = {i: n for n, i in enumerate(hosts.ids)}
    groups = _groups(root.get("groups", {}), number)
    vms = _vms(entry(root, "vms", "document", dict), names, number)
    return Model(names, hosts, vms, groups, _links(root.get("links", []), groups, number), sites)


def _texts(values: list[Any], where: str) -> list[str]:
    if not all(isinstance(v, str) for v in values):
        raise InputError(f"{where}: a list of names is expected")
    return values


def _ids(value: Any, where: str) -> tuple[Id, ...]:
    ids = entry(value, "id", where, list)
    if not set(map(type, ids)) <= {int, str}:
        raise InputError(f"{where}.id: ids are whole numbers or texts")
    if len(set(ids)) < len(ids):
        twice = next(i for n, i in enumerate(ids) if i in ids[:n])
        raise InputError(f"{where}.id: {twice!r} is described twice")
    return tuple(ids)


def _column(value: Any, count: int, where: str, least: int = 0) -> IntArray:
    """(count,) whole numbers from a list or from one value for all."""
    if not isinstance(value, list):
        return np.full(count, whole(value, where, least), dtype=np.int64)
    if len(value) != count:
        raise InputError(f"{where}: {len(value)} values are given for {count} elements")
    if set(map(type, value)) <= {int} and value and min(value) >= least and max(value) <= 1 << 40:
        return np.array(value, dtype=np.int64)
    return np.array([whole(v, f"{where}[{n}]", least) for n, v in enumerate(value)], dtype=np.int64)


def _real_column(value: Any, count: int, where: str) -> FloatArray:
    values = value if isinstance(value, list) else [value] * count
    if len(values) != count:
        raise InputError(f"{where}: {len(values)} values are given for {count} elements")
    return np.array([real(v, f"{where}[{n}]") for n, v in enumerate(values)], dtype=np.float64)


def _flags(value: Any, count: int, where: str) -> np.ndarray:
    values = value if isinstance(value, list) else [value] * count
    if len(values) != count or not all(isinstance(v, bool) for v in values):
        raise InputError(f"{where}: true or false is expected for each of {count} elements")
    return np.array(values, dtype=np.bool_)


def _rows(  # noqa: PLR0917
    value: Any, names: Sequence[str], count: int, where: str, column: Callable[..., Any] = _column, usual: float = 0
) -> Any:
    """(R, count): one column for each resource."""
    if not isinstance(value, dict) or not value.keys() <= set(names):
        raise InputError(f"{where}: an object with a column for each of the resources {', '.join(names)} is expected")
    rows = [column(value.get(name, usual), count, f"{where}.{name}") for name in names]
    return np.array(rows).reshape(len(names), count)


def _hosts(value: Mapping[str, Any], names: Sequence[str], site_names: Sequence[str]) -> Hosts:
    ids = _ids(value, "hosts")
    count = len(ids)

    def column(key: str, usual: int, least: int = 0) -> IntArray:
        return _column(value.get(key, usual), count, f"hosts.{key}", least)

    idle = column("idle_power", 0)
    return Hosts(
        ids=ids,
        capacity=_rows(entry(value, "capacity", "hosts", dict), names, count, "hosts.capacity"),
        ratio=_rows(value.get("ratio", {}), names, count, "hosts.ratio", _real_column, 1.0),
        reserve=_rows(value.get("reserve", {}), names, count, "hosts.reserve"),
        online=_flags(value.get("online", True), count, "hosts.online"),
        idle_power=idle,
        max_power=column("max_power", 0) if "max_power" in value else idle.copy(),
        boot=column("boot", 1, 1),
        shutdown=column("shutdown", 1, 1),
        bandwidth=column("bandwidth", 0),
        parallel=column("parallel", 0),
        site=_choices(value.get("site", site_names[0]), site_names, count, "hosts.site"),
    )


def _choices(value: Any, names: Sequence[str], count: int, where: str) -> IntArray:
    values = value if isinstance(value, list) else [value] * count
    if len(values) != count or not all(isinstance(v, str) and v in names for v in values):
        raise InputError(f"{where}: one of {', '.join(names)} is expected for each of {count} elements")
    return np.array([names.index(v) for v in values], dtype=np.int64)


def _vms(value: Mapping[str, Any], names: Sequence[str], number: Mapping[Id, int]) -> Vms:
    ids = _ids(value, "vms")
    count = len(ids)
    demand = _rows(entry(value, "demand", "vms", dict), names, count, "vms.demand")
    places = value.get("host", [None] * count)
    if not isinstance(places, list) or len(places) != count:
        raise InputError(f"vms.host: a list of {count} hosts (or null) is expected")
    strangers = [p for p in places if p is not None and (type(p) not in ID_TYPES or p not in number)]
    if strangers:
        raise InputError(f"vms.host: host {str(strangers[0])[:40]!r} is not in the model")
    host = np.array([-1 if p is None else number[p] for p in places], dtype=np.int64)
    if "state" in value:
        state = _choices(value["state"], list(STATES), count, "vms.state")
    else:
        state = np.where(host >= 0, int(VmState.RUNNING), int(VmState.READY)).astype(np.int64)

    def column(key: str, usual: int, least: int = 0) -> IntArray:
        return _column(value.get(key, usual), count, f"vms.{key}", least)

    seconds = [
        column(name, int(kind is not Kind.MIGRATE), int(kind is not Kind.MIGRATE)) for kind, name in SECONDS.items()
    ]
    return Vms(
        ids=ids,
        demand=demand,
        want=_rows(value["want"], names, count, "vms.want") if "want" in value else demand.copy(),
        state=state,
        host=host,
        memory=column("memory", 0),
        hot_size=column("hot_size", 0),
        hot_seconds=column("hot_seconds", 0),
        cold_rate=_real_column(value.get("cold_rate", 0), count, "vms.cold_rate"),
        seconds=np.array(seconds),
    )


def _sites(value: Any) -> tuple[tuple[Site, ...], list[str]]:
    if not isinstance(value, list):
        raise InputError("sites: a list is expected")
    found = []
    for n, site in enumerate(value):
        name = entry(site, "name", f"sites[{n}]", str)
        price, carbon = (whole(site.get(key, 0), f"sites[{n}].{key}") for key in ("price", "carbon"))
        if price > 1 << 20 or carbon > 1 << 20:
            raise InputError(f"sites[{n}]: price and carbon must be at most {1 << 20}")
        found.append(Site(name, price, carbon))
    found = found or [Site("default", 0, 0)]
    return tuple(found), [site.name for site in found]


def _groups(value: Any, number: Mapping[Id, int]) -> dict[str, tuple[int, ...]]:
    if not isinstance(value, dict):
        raise InputError("groups: an object is expected")
    return {name: _members(hosts, {}, number, f"groups.{name}") for name, hosts in value.items()}


def _members(
    value: Any, groups: Mapping[str, tuple[int, ...]], number: Mapping[Id, int], where: str
) -> tuple[int, ...]:
    """Numbers of hosts given as the name of a group or a list of ids."""
    if isinstance(value, str) and value in groups:
        return groups[value]
    if not isinstance(value, list):
        raise InputError(f"{where}: a list of hosts is expected")
    strangers = [h for h in value if type(h) not in ID_TYPES or h not in number]
    if strangers:
        raise InputError(f"{where}: host {str(strangers[0])[:40]!r} is not in the model")
    return tuple(number[h] for h in value)


def _links(value: Any, groups: Mapping[str, tuple[int, ...]], number: Mapping[Id, int]) -> tuple[Link, ...]:
    if not isinstance(value, list):
        raise InputError("links: a list is expected")
    found = []
    for n, link in enumerate(value):
        name = entry(link, "name", f"links[{n}]", str)
        hosts = frozenset(_members(link.get("hosts"), groups, number, f"links[{n}].hosts"))
        found.append(Link(name, hosts, whole(link.get("capacity"), f"links[{n}].capacity", 1)))
    return tuple(found)


def write_instance(instance: Instance) -> dict[str, Any]:
    """The document that describes an instance."""
    model = _with_named_sets(instance)
    codec = Codec(model, own=True)
    ids = model.hosts.ids
    return {
        "format": FORMAT,
        "resources": list(model.resources),
        "groups": {name: [ids[h] for h in hosts] for name, hosts in model.groups.items()},
        "sites": [{"name": s.name, "price": s.price, "carbon": s.carbon} for s in model.sites],
        "hosts": _host_columns(model),
        "vms": _vm_columns(model),
        "links": [
            {"name": k.name, "hosts": [ids[h] for h in sorted(k.hosts)], "capacity": k.capacity} for k in model.links
        ],
        "constraints": [codec.write(c) for c in instance.constraints],
        "objective": instance.objective,
    }


def _with_named_sets(instance: Instance) -> Model:
    """The model with a group for each larger host set that constraints use and nobody named."""
    model = instance.model
    named = {frozenset(hosts) for hosts in model.groups.values()}
    found: dict[frozenset[int], None] = {}
    for constraint in instance.constraints:
        sets = [getattr(constraint, "hosts", frozenset()), *getattr(constraint, "host_parts", ())]
        found.update(dict.fromkeys(hosts for hosts in sets if len(hosts) > 2 and hosts not in named))
    taken = [name for name in (f"set{n}" for n in range(1, len(found) + len(named) + 1)) if name not in model.groups]
    fresh = {name: tuple(sorted(hosts)) for name, hosts in zip(taken, found, strict=False)}
    return replace(model, groups={**model.groups, **fresh})


def _short(values: list[Any]) -> Any:
    """One value where all are the same."""
    return values[0] if values and all(v == values[0] for v in values) else values


def _by_resource(model: Model, rows: np.ndarray) -> dict[str, Any]:
    return {name: _short(row.tolist()) for name, row in zip(model.resources, rows, strict=True)}


def _host_columns(model: Model) -> dict[str, Any]:
    hosts = model.hosts
    plain = ("idle_power", "max_power", "boot", "shutdown", "bandwidth", "parallel", "online")
    return {
        "id": list(hosts.ids),
        "capacity": _by_resource(model, hosts.capacity),
        "ratio": _by_resource(model, hosts.ratio),
        "reserve": _by_resource(model, hosts.reserve),
        **{key: _short(getattr(hosts, key).tolist()) for key in plain},
        "site": _short([model.sites[s].name for s in hosts.site]),
    }


def _vm_columns(model: Model) -> dict[str, Any]:
    vms, hosts = model.vms, model.hosts.ids
    names = list(STATES)
    plain = ("memory", "hot_size", "hot_seconds", "cold_rate")
    return {
        "id": list(vms.ids),
        "demand": _by_resource(model, vms.demand),
        "want": _by_resource(model, vms.want),
        "state": _short([names[s] for s in vms.state.tolist()]),
        "host": [None if h < 0 else hosts[h] for h in vms.host.tolist()],
        **{key: _short(getattr(vms, key).tolist()) for key in plain},
        **{SECONDS[kind]: _short(row.tolist()) for kind, row in zip(VM_KINDS, vms.seconds, strict=True)},
    }
