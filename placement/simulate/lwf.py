"""LWF, the XML lease workload format of Haizea, read leniently in its times and strictly in everything else."""

from collections.abc import Callable, Iterator
from pathlib import Path

from lxml import etree

from placement.leases import Host, Image, Kind, NodeGroup, Request, Resources, Site, resources
from placement.leases.errors import LeaseError
from placement.simulate.times import read_duration, read_time, write_time
from placement.simulate.workload import MOST_NODES, Arrival, Workload, WorkloadError, in_order

USER_RATE = "simul_userrate"
Element = etree._Element  # noqa: SLF001 (lxml has no public name for the type)


def read_xml(path: Path, root: str) -> Element:
    """The root element of a file, without entities or network.

    Raises:
        WorkloadError: the file cannot be read, is not well-formed or has another root.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, huge_tree=False)
    try:
        found = etree.fromstring(path.read_bytes(), parser)
    except OSError as error:
        raise WorkloadError(f"{path}: cannot be read ({error.strerror}); check the name") from error
    except etree.XMLSyntaxError as error:
        raise WorkloadError(f"{path}: is not well-formed XML ({error.msg}); mend the file") from error
    if found.tag != root:
        raise WorkloadError(f"{path}: begins with <{found.tag}>, not <{root}>; this is another kind of file")
    return found


def read_lwf(path: Path) -> Workload:
    """A workload with the site it brings, if it does.

    Raises:
        WorkloadError: the file is malformed; the text names the file, the line and the remedy.
    """
    root = read_xml(path, "lease-workload")
    site_element = root.find("site")
    types = _types(site_element, path) if site_element is not None else None
    requests = root.find("lease-requests")
    if requests is None:
        raise WorkloadError(f"{path}: has no <lease-requests>; add it, even if it is empty")
    arrivals = [_arrival(element, path, types) for element in requests.iterchildren("lease-request")]
    known: set[str] = set()
    for arrival in arrivals:
        if arrival.request.id in known:
            raise WorkloadError(f"{path}: two leases have the id {arrival.request.id}; give each its own")
        known.add(arrival.request.id)
    site = _site(site_element, path, types or frozenset()) if site_element is not None else None
    description = (root.findtext("description") or "").strip()
    return Workload(root.get("name", path.stem), in_order(arrivals), site, description, {"format": "LWF"})


def where(path: Path, element: Element) -> str:
    """File, line and element for an error text."""
    return f"{path}, line {element.sourceline}, <{element.tag}>"


def required(element: Element, name: str, path: Path) -> str:
    """An attribute that must be there and not be empty."""
    value = element.get(name, "").strip()
    if not value:
        raise WorkloadError(f"{where(path, element)}: has no {name}; add it")
    return value


def _whole(element: Element, name: str, path: Path, least: int) -> int:
    text = required(element, name, path)
    if not text.isascii() or not text.isdecimal() or int(text) < least:
        raise WorkloadError(f"{where(path, element)}: {name} is {text!r}; give a whole number from {least} on")
    return int(text)


def _child(element: Element, name: str, path: Path) -> Element:
    found = element.find(name)
    if found is None:
        raise WorkloadError(f"{where(path, element)}: has no <{name}>; add it")
    return found


def _types(site: Element, path: Path) -> frozenset[str]:
    names = required(_child(site, "resource-types", path), "names", path).lower().split()
    if not {"cpu", "memory"} <= set(names):
        raise WorkloadError(f"{where(path, site)}: resource-types must name at least CPU and Memory")
    return frozenset(names)


def _site(site: Element, path: Path, types: frozenset[str]) -> Site:
    hosts: list[Host] = []
    for group in _node_sets(_child(site, "nodes", path), path, types, least=1):
        hosts += [Host(f"host-{len(hosts) + number}", group.needs) for number in range(1, group.count + 1)]
    return Site(tuple(hosts))


def _node_sets(nodes: Element, path: Path, types: frozenset[str] | None, least: int) -> list[NodeGroup]:
    groups = []
    for element in nodes.iterchildren("node-set"):
        needs = _resources(element, path, types, least)
        count = _whole(element, "numnodes", path, 1)
        if count > MOST_NODES:
            raise WorkloadError(f"{where(path, element)}: numnodes is {count}; {MOST_NODES} are the most")
        groups.append(NodeGroup(count, needs))
    if not groups:
        raise WorkloadError(f"{where(path, nodes)}: has no <node-set>; add at least one")
    return groups


def _resources(node_set: Element, path: Path, types: frozenset[str] | None, least: int) -> Resources:
    amounts: dict[str, int | tuple[int, ...]] = {}
    for element in node_set.iterchildren("res"):
        name = required(element, "type", path).lower()
        if types is not None and name not in types:
            raise WorkloadError(f"{where(path, element)}: type {name!r} is not among the site's resource-types")
        instances = list(element.iterchildren("instance"))
        if instances:
            amounts[name] = tuple(_whole(instance, "amount", path, least) for instance in instances)
        else:
            amounts[name] = _whole(element, "amount", path, least)
    try:
        found = resources(**amounts)
    except LeaseError as error:
        raise WorkloadError(f"{where(path, node_set)}: {error}") from error
    if not found:
        raise WorkloadError(f"{where(path, node_set)}: names no resource; add a <res>")
    return found


def _arrival(element: Element, path: Path, types: frozenset[str] | None) -> Arrival:
    time = read_time(required(element, "arrival", path), where(path, element))
    lease = _child(element, "lease", path)
    real = element.find("realduration")
    seconds = None if real is None else read_duration(required(real, "time", path), where(path, real))
    return Arrival(time, _request(lease, path, types), seconds)


def _request(lease: Element, path: Path, types: frozenset[str] | None) -> Request:
    duration = _child(lease, "duration", path)
    deadline = lease.find("deadline")
    kind, start = read_start(_child(lease, "start", path), path)
    due = None if deadline is None else read_time(required(deadline, "time", path), where(path, deadline))
    if due is not None and kind is not Kind.IMMEDIATE:
        kind = Kind.DEADLINE
    software = lease.find("software")
    extra = read_extra(lease, path)
    return Request(
        id=str(_whole(lease, "id", path, 0)),
        kind=kind,
        groups=tuple(_node_sets(_child(lease, "nodes", path), path, types, least=0)),
        duration=read_duration(required(duration, "time", path), where(path, duration)),
        start=start,
        deadline=due,
        preemptible=_preemptible(lease, path),
        image=None if software is None else read_image(software, path),
        user=lease.get("user", ""),
        highest_rate=read_rate(extra, where(path, lease)),
        extra=extra,
    )


def _preemptible(lease: Element, path: Path) -> bool:
    text = lease.get("preemptible", "false").lower()
    if text not in {"true", "yes", "false", "no"}:
        raise WorkloadError(f"{where(path, lease)}: preemptible is {text!r}; write true or false")
    return text in {"true", "yes"}


def read_start(element: Element, path: Path, time: Callable[[str, str], int] = read_time) -> tuple[Kind, int | None]:
    """Empty: best effort; `<now/>`: immediate; `<exact time=…/>`: advance, with its start."""
    children = list(element)
    if not children:
        return Kind.BEST_EFFORT, None
    if len(children) == 1 and children[0].tag == "now":
        return Kind.IMMEDIATE, None
    if len(children) == 1 and children[0].tag == "exact":
        return Kind.ADVANCE, time(required(children[0], "time", path), where(path, children[0]))
    raise WorkloadError(
        f"{where(path, element)}: holds <{children[0].tag}>; leave it empty or use one <now> or <exact>"
    )


def read_image(software: Element, path: Path) -> Image | None:
    """The disk image, or None for `<none/>`."""
    image = software.find("disk-image")
    if image is None:
        return None
    return Image(required(image, "id", path), _whole(image, "size", path, 0))


def read_extra(element: Element, path: Path) -> tuple[tuple[str, str], ...]:
    """Names and values of `<extra>`, in order."""
    extra = element.find("extra")
    found = [] if extra is None else list(extra.iterchildren("attr"))
    return tuple((required(attr, "name", path), attr.get("value", "")) for attr in found)


def read_rate(extra: tuple[tuple[str, str], ...], place: str) -> float | None:
    """The highest price per node and hour that a simulated user pays."""
    text = dict(extra).get(USER_RATE)
    if text is None:
        return None
    try:
        return float(text)
    except ValueError as error:
        raise WorkloadError(f"{place}: {USER_RATE} is {text!r}; give a number") from error


def write_lwf(workload: Workload, path: Path) -> None:
    """Write a workload as LWF."""
    root = etree.Element("lease-workload", name=workload.name)
    etree.SubElement(root, "description").text = workload.description
    if workload.site is not None:
        _write_site(root, workload.site)
    requests = etree.SubElement(root, "lease-requests")
    for arrival in workload.arrivals:
        _write_arrival(requests, arrival)
    path.write_bytes(etree.tostring(root, pretty_print=True, xml_declaration=True, encoding="utf-8"))


def _write_site(root: Element, site: Site) -> None:
    element = etree.SubElement(root, "site")
    names = sorted({name for host in site.hosts for name, _ in host.capacity} | {"cpu", "memory"})
    etree.SubElement(element, "resource-types", names=" ".join(names))
    nodes = etree.SubElement(element, "nodes")
    for capacity, count in _runs(site):
        _write_node_set(nodes, NodeGroup(count, capacity))


def _runs(site: Site) -> Iterator[tuple[Resources, int]]:
    count = 0
    for host, following in zip(site.hosts, (*site.hosts[1:], None), strict=True):
        count += 1
        if following is None or following.capacity != host.capacity:
            yield host.capacity, count
            count = 0


def _write_node_set(nodes: Element, group: NodeGroup) -> None:
    element = etree.SubElement(nodes, "node-set", numnodes=str(group.count))
    for name, instances in group.needs:
        res = etree.SubElement(element, "res", type=name)
        if len(instances) == 1:
            res.set("amount", str(instances[0]))
        for amount in instances if len(instances) > 1 else ():
            etree.SubElement(res, "instance", amount=str(amount))


def _write_arrival(requests: Element, arrival: Arrival) -> None:
    request = arrival.request
    element = etree.SubElement(requests, "lease-request", arrival=write_time(arrival.time))
    if arrival.real is not None:
        etree.SubElement(element, "realduration", time=write_time(arrival.real))
    lease = etree.SubElement(element, "lease", id=request.id, preemptible=str(request.preemptible).lower())
    if request.user:
        lease.set("user", request.user)
    nodes = etree.SubElement(lease, "nodes")
    for group in request.groups:
        _write_node_set(nodes, group)
    _write_start(lease, request)
    etree.SubElement(lease, "duration", time=write_time(request.duration or 0))
    if request.deadline is not None:
        etree.SubElement(lease, "deadline", time=write_time(request.deadline))
    software = etree.SubElement(lease, "software")
    if request.image is None:
        etree.SubElement(software, "none")
    else:
        etree.SubElement(software, "disk-image", id=request.image.name, size=str(request.image.size))
    if request.extra:
        extra = etree.SubElement(lease, "extra")
        for name, value in request.extra:
            etree.SubElement(extra, "attr", name=name, value=value)


def _write_start(lease: Element, request: Request) -> None:
    start = etree.SubElement(lease, "start")
    if request.kind is Kind.IMMEDIATE:
        etree.SubElement(start, "now")
    elif request.start is not None:
        etree.SubElement(start, "exact", time=write_time(request.start))
