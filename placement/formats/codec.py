"""Constraints to and from JSON objects, by the names and types of their fields."""

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any

from placement.constraints.base import Constraint
from placement.constraints.catalogue import CATALOGUE
from placement.constraints.precedence import Precedence
from placement.constraints.seq import Seq
from placement.errors import InputError
from placement.formats.document import Document, real, whole
from placement.model import Id, Model

BTRPLACE_KEYS = {
    "vm": "vm", "vms": "vms", "host": "node", "hosts": "nodes", "vm_parts": "parts", "host_parts": "parts",
    "resource": "rc", "amount": "amount", "ratio": "ratio", "seconds": "timestamp", "before": "vm1", "after": "vm2",
}  # fmt: skip
SPLIT_AMONG_KEYS = BTRPLACE_KEYS | {"vm_parts": "vParts", "host_parts": "pParts"}
OWN_KEYS = {name: name for name in BTRPLACE_KEYS}
BTRPLACE_NAMES = {"precedence": "Precedence", "deadline": "Deadline", "serialize": "Serialize", "sync": "Sync"}
"""Names that BtrPlace spells otherwise."""
BY_NAME = {name.lower(): kind for name, kind in CATALOGUE.items()}
ALIASES = {"serialized": "serialize", "maxonlines": "maxonline", "sequentialvmtransitions": "seq"}
ID_TYPES = (int, str)
"""Types of ids: true is not 1, and 1.0 is not an id."""
RELATIVE = re.compile(r"\+?(?:(?:(\d{1,4}):)?(\d{1,6}):)?(\d{1,9})")


class Codec:
    """Turns JSON objects into constraints of one model and back; `own` chooses our format instead of BtrPlace's."""

    def __init__(self, model: Model, *, own: bool, document: Document | None = None) -> None:
        self._model = model
        self._own = own
        self._shared: Callable[[Any], Any] = document.shared if document else lambda value: value
        self._parts: dict[int | str, tuple[frozenset[int], ...]] = {}
        self._sets: dict[int | str, tuple[object, frozenset[int]]] = {}
        self._keep: list[object] = []
        self._group_names: dict[frozenset[int], str] = {}
        for name, hosts in model.groups.items():
            self._sets[name] = (name, frozenset(hosts))
            self._group_names.setdefault(frozenset(hosts), name)
        self._readers: dict[str, Callable[[Any, str], Any]] = {
            "vm": self._vm, "vms": self._vms, "host": self._host, "hosts": self._hosts, "vm_parts": self._vm_parts,
            "host_parts": self._host_parts, "resource": self._resource, "amount": whole, "ratio": self._ratio,
            "seconds": self._seconds, "before": self._vm, "after": self._vm, "continuous": self._flag,
        }  # fmt: skip
        self._fields = {kind: [f.name for f in dataclasses.fields(kind)] for kind in CATALOGUE.values()}  # type: ignore[arg-type]

    def read(self, value: Any, where: str) -> Constraint:
        """The constraint that an object describes; InputError says what is wrong and where."""
        if not isinstance(value, dict) or not isinstance(value.get("id"), str):
            raise InputError(f"{where}: a constraint is an object with an id")
        name = value["id"].lower()
        kind = BY_NAME.get(ALIASES.get(name, name))
        if kind is None:
            raise InputError(f"{where}: constraint {value['id']!r} is unknown")
        keys, arguments = self._keys(kind), {}
        for field in self._fields[kind]:
            key = keys.get(field, field)
            if key in value:
                arguments[field] = self._readers[field](value[key], f"{where} ({kind.id}).{key}")
            elif field != "continuous":
                raise InputError(f"{where} ({kind.id}): {key!r} is missing")
        self._check_flag(kind, value, where)
        return kind(**arguments)

    def _check_flag(self, kind: type[Constraint], value: Mapping[str, Any], where: str) -> None:
        if "continuous" in self._fields[kind]:
            if kind.always_continuous and value.get("continuous") is False:
                raise InputError(f"{where} ({kind.id}): this constraint is always continuous")
        elif value.get("continuous"):
            raise InputError(f"{where} ({kind.id}): this constraint has no continuous form")

    def _keys(self, kind: type[Constraint]) -> dict[str, str]:
        if self._own:
            return OWN_KEYS
        return SPLIT_AMONG_KEYS if kind.id == "splitAmong" else BTRPLACE_KEYS

    def write(self, constraint: Constraint) -> dict[str, Any]:
        """The object that describes a constraint."""
        kind = type(constraint)
        result: dict[str, Any] = {"id": kind.id if self._own else BTRPLACE_NAMES.get(kind.id, kind.id)}
        keys = self._keys(kind)
        for field in self._fields[kind]:
            result[keys.get(field, field)] = self._written(field, getattr(constraint, field))
        return result

    def _written(self, field: str, value: Any) -> Any:
        vms = self._model.vms.ids
        if field in ("vm", "before", "after"):
            return vms[value]
        if field == "vms":
            return [vms[v] for v in value]
        if field == "vm_parts":
            return [[vms[v] for v in part] for part in value]
        if field == "host":
            return self._model.hosts.ids[value]
        if field == "hosts":
            return self._written_hosts(value)
        if field == "host_parts":
            return [self._written_hosts(part) for part in value]
        if field == "resource":
            return self._model.resources[value]
        return f"+{value}" if field == "seconds" and not self._own else value

    def _written_hosts(self, hosts: frozenset[int]) -> str | list[Id]:
        if self._own and hosts in self._group_names:
            return self._group_names[hosts]
        return [self._model.hosts.ids[h] for h in sorted(hosts)]

    def _vm(self, value: Any, where: str) -> int:
        if type(value) in ID_TYPES and value in self._model.vm_number:
            return self._model.vm_number[value]
        raise InputError(f"{where}: VM {str(value)[:40]!r} is not in the model")

    def _host(self, value: Any, where: str) -> int:
        if type(value) in ID_TYPES and value in self._model.host_number:
            return self._model.host_number[value]
        raise InputError(f"{where}: host {str(value)[:40]!r} is not in the model")

    def _vms(self, value: Any, where: str) -> tuple[int, ...]:
        if not isinstance(value, list) or not value:
            raise InputError(f"{where}: a list of VMs is expected")
        found = tuple([self._vm(v, where) for v in value])
        if len(set(found)) < len(found):
            raise InputError(f"{where}: a VM is named twice")
        return found

    def _hosts(self, value: Any, where: str) -> frozenset[int]:
        """A host set from a list of ids or, in our format, the name of a group; equal lists give the same object."""
        value = self._shared(value)
        key = value if isinstance(value, str) else id(value)
        known = self._sets.get(key)
        if known is not None:
            return known[1]
        if self._own and isinstance(value, str):
            raise InputError(f"{where}: group {value[:40]!r} is not in the model")
        if not isinstance(value, list):
            raise InputError(f"{where}: a list of hosts is expected")
        hosts = frozenset(self._host(h, where) for h in value)
        if len(hosts) < len(value):
            raise InputError(f"{where}: a host is named twice")
        self._sets[key] = (value, hosts)
        return hosts

    def _host_parts(self, value: Any, where: str) -> tuple[frozenset[int], ...]:
        value = self._shared(value)
        if not isinstance(value, list) or not value:
            raise InputError(f"{where}: a list of host sets is expected")
        key = "\n".join(value) if all(isinstance(part, str) for part in value) else id(value)
        if key not in self._parts:
            self._keep.append(value)
            parts = tuple(self._hosts(part, where) for part in value)
            if sum(map(len, parts)) > len(frozenset().union(*parts)):
                raise InputError(f"{where}: the host sets overlap")
            self._parts[key] = parts
        return self._parts[key]

    def _vm_parts(self, value: Any, where: str) -> tuple[tuple[int, ...], ...]:
        value = self._shared(value)
        if not isinstance(value, list) or not value:
            raise InputError(f"{where}: a list of VM sets is expected")
        parts = tuple(self._vms(part, where) for part in value)
        if sum(map(len, parts)) > len({v for part in parts for v in part}):
            raise InputError(f"{where}: the VM sets overlap")
        return parts

    def _resource(self, value: Any, where: str) -> int:
        if value not in self._model.resources:
            raise InputError(f"{where}: resource {str(value)[:40]!r} is not in the model")
        return self._model.resources.index(value)

    def _ratio(self, value: Any, where: str) -> float:
        ratio = real(value, where)
        if ratio > 1 << 20:
            raise InputError(f"{where}: {ratio} is not a usable ratio")
        return ratio

    def _flag(self, value: Any, where: str) -> bool:
        if not isinstance(value, bool):
            raise InputError(f"{where}: true or false is expected")
        return value

    def _seconds(self, value: Any, where: str) -> int:
        if not isinstance(value, str):
            return whole(value, where)
        match = RELATIVE.fullmatch(value)
        if match is None or not value.startswith("+"):
            raise InputError(
                f"{where}: {value[:40]!r} is not a time from the start of the plan, such as '+90' or '+1:30:00'"
            )
        hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return hours * 3600 + minutes * 60 + seconds


def check_order(constraints: tuple[Constraint, ...], model: Model) -> None:
    """Raise InputError where constraints on the order of actions form a cycle."""
    after: dict[int, set[int]] = {}
    for constraint in constraints:
        pairs = [(constraint.before, constraint.after)] if isinstance(constraint, Precedence) else []
        if isinstance(constraint, Seq):
            pairs = list(zip(constraint.vms, constraint.vms[1:], strict=False))
        for one, other in pairs:
            after.setdefault(one, set()).add(other)
    done: set[int] = set()
    while True:
        ready = [v for v in after if not after[v] - done and v not in done]
        ready += [w for v in after for w in after[v] if w not in after and w not in done]
        if not ready:
            break
        done.update(ready)
    left = sorted(set(after) - done)
    if left:
        raise InputError(f"the order asked for is cyclic: VM {model.vms.ids[left[0]]} would have to come before itself")
