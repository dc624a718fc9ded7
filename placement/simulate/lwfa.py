"""LWFA annotations: changes to the leases of a workload, with times relative to each lease's own submission."""

from dataclasses import replace
from pathlib import Path

from placement.leases import Image, Kind, Request
from placement.simulate.lwf import Element, read_extra, read_image, read_rate, read_start, read_xml, required, where
from placement.simulate.times import read_time
from placement.simulate.workload import Arrival, Workload, WorkloadError


def annotate(workload: Workload, path: Path) -> Workload:
    """The workload with the annotations of a file applied, by id or in order.

    Raises:
        WorkloadError: the file is malformed, mixes both ways, or does not match the workload.
    """
    root = read_xml(path, "lease-annotations")
    elements = list(root.iterchildren("lease-annotation"))
    named = [element.get("id") for element in elements]
    if any(named) and not all(named):
        raise WorkloadError(f"{path}: some annotations have an id and some have none; give all of them one or none")
    if any(named):
        chosen = _by_id(workload, elements, path)
    else:
        if len(elements) > len(workload.arrivals):
            raise WorkloadError(f"{path}: has {len(elements)} annotations for {len(workload.arrivals)} leases")
        chosen = dict(enumerate(elements))
    arrivals = tuple(
        _annotated(arrival, chosen[place], path) if place in chosen else arrival
        for place, arrival in enumerate(workload.arrivals)
    )
    rules = {**workload.rules, "annotations": path.name}
    return replace(workload, arrivals=arrivals, rules=rules)


def _by_id(workload: Workload, elements: list[Element], path: Path) -> dict[int, Element]:
    places = {arrival.request.id: place for place, arrival in enumerate(workload.arrivals)}
    chosen: dict[int, Element] = {}
    for element in elements:
        name = required(element, "id", path)
        if name not in places:
            raise WorkloadError(f"{where(path, element)}: the workload has no lease {name}")
        if places[name] in chosen:
            raise WorkloadError(f"{where(path, element)}: lease {name} is annotated twice")
        chosen[places[name]] = element
    return chosen


def _annotated(arrival: Arrival, element: Element, path: Path) -> Arrival:
    request = arrival.request
    start, deadline, software = (element.find(name) for name in ("start", "deadline", "software"))
    kind, exact = request.kind, request.start
    if start is not None:
        kind, exact = read_start(start, path, lambda text, place: arrival.time + read_time(text, place))
    due = request.deadline
    if deadline is not None:
        due = arrival.time + read_time(required(deadline, "time", path), where(path, deadline))
    elif start is not None and kind is not Kind.ADVANCE:
        due = None
    extra = tuple({**dict(request.extra), **dict(read_extra(element, path))}.items())
    changed = Request(
        id=request.id,
        kind=_kind(kind, due),
        groups=request.groups,
        duration=request.duration,
        start=exact,
        deadline=due,
        preemptible=request.preemptible,
        image=_image(request, software, path),
        user=request.user,
        highest_rate=read_rate(extra, where(path, element)),
        extra=extra,
    )
    return replace(arrival, request=changed)


def _image(request: Request, software: Element | None, path: Path) -> Image | None:
    return request.image if software is None else read_image(software, path)


def _kind(kind: Kind, deadline: int | None) -> Kind:
    if kind is Kind.IMMEDIATE:
        return kind
    if deadline is not None:
        return Kind.DEADLINE
    return Kind.ADVANCE if kind is Kind.DEADLINE else kind
