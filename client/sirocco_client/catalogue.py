"""What a noun of the command line is: one row each, known beforehand so that starting is quick."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """An option of ``create`` or ``update``: the attribute it sets, its kind and help.

    Kinds: ``text``, ``int``, ``number``, ``bool``, ``flag``, ``json``, ``map`` (k=v), ``data`` (k=JSON),
    ``ref:COLLECTION``, ``url:COLLECTION``, ``size:UNIT`` (1 GiB in KiB or kB), ``file`` (Base64 of a file's content),
    ``content`` (a file's text), ``days`` (a moment so many days ahead), ``disk``, ``nic:WHAT`` (``network`` or
    ``networkPort``), ``role``.
    """

    option: str
    attribute: str
    kind: str = "text"
    help: str = ""
    required: bool = False
    many: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """A verb on one resource, with options. ``makes``: the answer is a new resource; ``path``: where it is posted."""

    verb: str
    help: str
    fields: tuple[Field, ...] = ()
    makes: bool = False
    path: str = ""

    @property
    def below(self) -> str:
        """The last part of the address it is posted to."""
        return self.path or self.verb


@dataclass(frozen=True, slots=True)
class Link:
    """How a collection below a resource grows and shrinks: ``attach-WORD`` and ``detach-WORD`` name a resource."""

    word: str
    attribute: str
    collection: str
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A collection below a resource. ``path`` may hold {collection} and {id} of its owner, else it lies right below."""

    command: str
    path: str
    key: str
    columns: tuple[str, ...]
    help: str
    links: tuple[Link, ...] = ()

    def address(self, collection: str, owner: str) -> str:
        """Where it is, for one owner."""
        return (self.path if "/" in self.path else "{collection}/{id}/" + self.path).format(
            collection=collection, id=owner
        )


@dataclass(frozen=True, slots=True)
class Resource:
    """A noun: its command, collection, the items' key in JSON, columns, what can be done, and how it is sorted."""

    command: str
    collection: str
    key: str
    columns: tuple[str, ...] = ("name", "state")
    create: tuple[Field, ...] | None = None
    update: tuple[Field, ...] | None = None
    delete: bool = True
    actions: tuple[Action, ...] = ()
    help: str = ""
    parts: tuple[Part, ...] = ()
    named: str = "name"
    template: str = ""
    sort: str = ""


def operations(resource: Resource) -> Iterator[tuple[str, str]]:
    """Method and path of every operation that a noun's commands call."""
    path, one = resource.collection, f"{resource.collection}/{{id}}"
    yield from (("GET", path), ("GET", one))
    if resource.create is not None:
        yield "POST", path
    if resource.update is not None:
        yield "PUT", one
    if resource.delete:
        yield "DELETE", one
    yield from (("POST", f"{one}/{action.below}") for action in resource.actions)
    for part in resource.parts:
        below = part.address(path, "{id}")
        yield "GET", below
        if part.links:
            yield from (("POST", below), ("DELETE", f"{below}/{{item}}"))
