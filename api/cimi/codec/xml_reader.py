"""XML to plain values, guided by the model; without entities, external references or document types."""

from lxml import etree
from lxml.etree import DocInfo, _Element

from api.cimi.codec.limits import DEPTH
from api.cimi.model import KINDS
from api.cimi.model.attribute import PREFIX, Attribute, Type, Value, Values
from api.cimi.model.kind import SIROCCO
from sirocco.contracts.errors import MALFORMED, SiroccoError

_IGNORED = {"operation", "operations"}


def read(body: bytes) -> tuple[str, _Element]:
    """The root's name and the root; known clients omit the namespace, pad text and write roots in lower case."""
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise _malformed(why="a document type is not accepted")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as fault:
        line, column = getattr(fault, "position", None) or (1, 0)
        raise _malformed(why="it is no XML at line {line}, column {column}", line=line, column=column) from fault
    docinfo: DocInfo = root.getroottree().docinfo
    if docinfo.doctype:  # type: ignore[attr-defined]  # the stubs lack it
        raise _malformed(why="a document type is not accepted")
    _check_depth(root, DEPTH)
    return _local(root), root


def values_of(root: _Element, attributes: tuple[Attribute, ...]) -> Values:
    """What an element says, under the attributes' names; what no attribute is named like keeps its own name."""
    names = {attribute.name: attribute for attribute in attributes}
    elements = {attribute.element: attribute for attribute in attributes if attribute.many or attribute.element}
    values: Values = {str(name): str(value) for name, value in root.attrib.items() if name in names}
    for child in root:
        name = _name(child)
        if name in _IGNORED:
            continue
        if name == "property":
            _add_property(values, child)
        elif name in elements and not _is_wrapper(child, elements[name]):
            _add_entry(values, elements[name], child)
        elif name in values:
            raise _malformed(why="{name} stands twice in one element", name=name[:100])
        elif name in names:
            _set(values, names[name], child)
        else:
            values[name] = _text(child)
    return values


def _malformed(*, why: str, **details: object) -> SiroccoError:
    return SiroccoError(MALFORMED, format="XML", why=why, **details)


def _local(element: _Element) -> str:
    return etree.QName(element).localname


def _name(element: _Element) -> str:
    """The attribute's name: what Sirocco's namespace says in XML, a prefix says in the model."""
    name = etree.QName(element)
    root = etree.QName(element.getroottree().getroot()).namespace
    return PREFIX + name.localname if name.namespace == SIROCCO != root else name.localname


def _is_wrapper(child: _Element, attribute: Attribute) -> bool:
    return attribute.element == attribute.name and any(_name(entry) == attribute.element for entry in child)


def _add_property(values: Values, child: _Element) -> None:
    held = values.setdefault("properties", {})
    key = child.get("key")
    if key is None or not isinstance(held, dict):
        raise _malformed(why="a property needs a key")
    if key in held:
        raise _malformed(why="{name} stands twice in one element", name=key[:100])
    held[key] = _text(child)


def _add_entry(values: Values, attribute: Attribute, child: _Element) -> None:
    if not attribute.many:
        values[attribute.name] = _value(attribute, child)
        return
    held = values.setdefault(attribute.name, [])
    if isinstance(held, list):
        held.append(_value(attribute, child))


def _set(values: Values, attribute: Attribute, child: _Element) -> None:
    if attribute.many:
        values[attribute.name] = [_value(attribute, entry) for entry in child] or None
    elif attribute.type in {Type.MAP, Type.DATA}:
        inner: Values = {}
        for entry in child:
            _add_property(inner, entry)
        values[attribute.name] = inner.get("properties")
    else:
        values[attribute.name] = _value(attribute, child)


def _value(attribute: Attribute, element: _Element) -> Value:
    """The element's value; an empty element means none, which erases."""
    if attribute.type in {Type.REFERENCE, Type.STRUCTURE, Type.COLLECTION}:
        kind = KINDS.get(attribute.kind)
        content = kind.shown(min(kind.versions)) if kind and attribute.embeddable else ()
        inner = values_of(element, (*attribute.parts, *content))
        if "href" in element.attrib:
            inner["href"] = str(element.attrib["href"])
        return inner or None
    return _text(element)


def _text(element: _Element) -> str | None:
    """Text without the blanks around it; None when there is none. An element with children is no text."""
    if len(element):
        raise _malformed(why="{name} holds elements where text is expected", name=_local(element)[:100])
    return (element.text or "").strip() or None


def _check_depth(element: _Element, left: int) -> None:
    if left == 0:
        raise _malformed(why="it is nested more than {most} deep", most=DEPTH)
    for child in element:
        _check_depth(child, left - 1)
