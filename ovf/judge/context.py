"""What every rule may look up: the ids of a package."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import TypeVar

from ovf.findings import Issue
from ovf.limits import Limits
from ovf.model import File, Package
from ovf.parts import Part
from ovf.products import ProductSection, Property
from ovf.services import is_claudia

P = TypeVar("P", bound=Part)


class Context:
    """A package under judgement and the limits it is held against."""

    def __init__(self, package: Package, limits: Limits) -> None:
        self.package = package
        self.limits = limits

    @cached_property
    def files(self) -> dict[str, File]:
        """Files by id."""
        return {file.id: file for file in self.package.files}

    @cached_property
    def configurations(self) -> frozenset[str]:
        """Ids of the deployment options."""
        return frozenset(one.id for one in self.package.configurations)

    @cached_property
    def properties(self) -> dict[str, Property]:
        """Every property by its key and by its full key."""
        found: dict[str, Property] = {}
        for content in self.package.walk():
            for section in content.of(ProductSection):
                for prop in section.properties:
                    found.setdefault(prop.key, prop)
                    found.setdefault(section.full_key(prop), prop)
        return found

    @cached_property
    def is_claudia(self) -> bool:
        """Whether the package is written in the dialect of Claudia."""
        return is_claudia(self.package)


def repeated(parts: Iterable[P], key: Callable[[P], str]) -> Iterator[P]:
    """The parts whose key was seen before; empty keys do not count."""
    seen = set()
    for part in parts:
        name = key(part)
        if name and name in seen:
            yield part
        seen.add(name)


def circular(parents: Mapping[str, str]) -> frozenset[str]:
    """The names that are their own ancestors or have such an ancestor; each name is looked at once."""
    settled: dict[str, bool] = {}
    for start in parents:
        path: list[str] = []
        walked: set[str] = set()
        name = start
        while name in parents and name not in settled and name not in walked:
            walked.add(name)
            path.append(name)
            name = parents[name]
        settled.update(dict.fromkeys(path, name in walked or settled.get(name, False)))
    return frozenset(name for name, is_circular in settled.items() if is_circular)


def unknown_configurations(context: Context, code: str, part: Part, names: Iterable[str]) -> Iterator[Issue]:
    """An issue for each name that is no configuration (clause 9.8)."""
    for name in names:
        if name not in context.configurations:
            yield Issue(code, part.at, name)
