"""Brings the catalogues up to date with the sources: ``python -m web.extract``.

Texts come from templates, from Python, and from the catalogue of errors. English is its own translation; what is new in
French is left empty for a translator, and a test refuses an empty one.
"""

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import click as library
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from sirocco.contracts import amounts
from sirocco.contracts.errors import catalogue
from sirocco.domain.placement import Obstacle
from sirocco.services import providers
from web.language import FOLDER, LANGUAGES

_HERE = Path(__file__).parent
_METHODS = [("**.py", "python"), ("**/components/**.html", "jinja2"), ("**/templates/**.html", "jinja2")]
_KEYWORDS = {"_": None, "_l": None, "gettext": None, "ngettext": (1, 2)}
_OPTIONS = {pattern: {"trimmed": "true", "extensions": "jinja2.ext.i18n"} for pattern, _ in _METHODS[1:]}
_REASONED = ("activities/*.py", "api/**/*.py", "sirocco/**/*.py", "web/*.py", "web/views/*.py", "workflows/*.py")
_OPERATED = ("sirocco/admin.py", "sirocco/hypervisor/*.py", "sirocco/images/build.py", "sirocco/ops/*.py")
_TELLING = {
    *("worded", "Missing", "InvalidSettings", "OperationError", "StartError", "BackupError", "KeyRingError"),
    *("PortTakenError", "EngineError", "EngineUnknownError", "FirstMachineError", "HypervisorError", "BuildError"),
}
_BELOW = {"_termui_impl.py", "_winconsole.py", "utils.py", "shell_completion.py"}
_BORN = datetime(2026, 11, 21, tzinfo=UTC)


def template() -> Catalog:
    """Every text of the portal and of the errors."""
    texts = Catalog(project="Sirocco", creation_date=_BORN)
    found = extract_from_dir(_HERE, _METHODS, _OPTIONS, _KEYWORDS, directory_filter=_ours)
    for file, _line, message, comments, context in found:
        texts.add(message, None, [(file, 0)], auto_comments=comments, context=context)
    for problem in catalogue().values():
        for text in (problem.message, problem.remedy):
            texts.add(text, None, [("sirocco/contracts/errors.py", 0)])
    for text in amounts.TEXTS:
        texts.add(text, None, [("sirocco/contracts/amounts.py", 0)])
    for file, text in (*reasons(), *settings(), *operations(), *click()):
        texts.add(text, None, [(file, 0)])
    return texts


def operations() -> Iterator[tuple[str, str]]:
    """What ``siroccod`` says: its help, its sentences and its errors, with their files."""
    for path in sorted(file for rooms in _OPERATED for file in _HERE.parent.glob(rooms)):
        helps = path.name == "admin.py"
        for node in ast.walk(ast.parse(path.read_text())):
            told = (*_told(node), *(_help(node) if helps else ()))
            yield from ((str(path.relative_to(_HERE.parent)), text) for text in told if text)


def _told(node: ast.AST) -> Iterator[str]:
    """Texts of ``worded(...)``, of errors raised, and of what is put aside for them; a step's name for progress."""
    match node:
        case ast.Call(func=ast.Name(id="progress"), args=[_, given]):
            yield _text(given)
        case ast.Call(func=ast.Name(id=name), args=given) if name in _TELLING:
            yield from map(_text, given)
        case ast.Assign(targets=[ast.Name(id="text" | "invitation" | "_FAULTS" | "_COUNTED")], value=value):
            yield from map(_text, value.values if isinstance(value, ast.Dict) else [value])
        case ast.ClassDef(name="Health", body=body):
            yield from (_text(one.value) for one in body if isinstance(one, ast.Assign))


def _help(node: ast.AST) -> Iterator[str]:
    """The help of a command and of its options."""
    match node:
        case ast.keyword(arg="help", value=value):
            yield _text(value)
        case ast.FunctionDef(decorator_list=[_, *_]):
            yield ast.get_docstring(node) or ""


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def click() -> Iterator[tuple[str, str]]:
    """What click says of itself, which ``siroccod`` says in the reader's language."""
    for path in sorted(Path(library.__file__).parent.glob("*.py")):
        for call in ast.walk(ast.parse(path.read_text())):
            match call:
                case ast.Call(func=ast.Name(id="_" | "ngettext"), args=given) if path.name not in _BELOW:
                    yield from (("click", text) for text in map(_text, given[:2]) if text)


def settings() -> Iterator[tuple[str, str]]:
    """The texts of what each kind of provider is opened with, with their files."""
    for name, kind in providers.kinds().items():
        yield from ((f"sirocco/connectors/{name}/settings.py", text) for text in kind.texts())


def reasons() -> Iterator[tuple[str, str]]:
    """The texts that the sources give as ``why`` of a refusal or as ``fault`` of a record, with their files."""
    for file, given in reasoned():
        for text in ast.walk(given):
            if isinstance(text, ast.Constant) and isinstance(text.value, str) and text.value:
                yield file, text.value
    for obstacle in Obstacle:
        yield "sirocco/domain/placement.py", obstacle.value


def reasoned() -> Iterator[tuple[str, ast.expr]]:
    """Where the sources give a reason: the file, and what they give."""
    for path in sorted(file for rooms in _REASONED for file in _HERE.parent.glob(rooms)):
        for given in filter(None, map(_given, ast.walk(ast.parse(path.read_text())))):
            yield str(path.relative_to(_HERE.parent)), given


def _given(node: ast.AST) -> ast.expr | None:
    """The value of ``why=...``, of ``why = ...``, of ``{"why": ...}`` and of ``record.fault = ...``."""
    match node:
        case ast.Assign(targets=[ast.Name(id="why")], value=value):
            return value
        case ast.keyword(arg="why", value=value):
            return value
        case ast.Dict(keys=[ast.Constant(value="why"), *_], values=[value, *_]):
            return value
        case ast.Assign(targets=[ast.Attribute(attr="fault")], value=ast.Constant() as value):
            return value
    return None


def _ours(folder: str) -> bool:
    return Path(folder).name not in {"node_modules", "static", "__pycache__"}


def known(language: str) -> Catalog:
    """A language's catalogue as it is kept."""
    with (FOLDER / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


def updated(language: str) -> Catalog:
    """A language's catalogue with what the sources say now; no text is guessed."""
    kept = known(language)
    kept.update(template(), no_fuzzy_matching=True, update_header_comment=False)
    kept.obsolete.clear()
    kept.revision_date = kept.creation_date = _BORN
    if language == "en":
        for message in kept:
            if message.id:
                message.string = message.id
    return kept


def written(texts: Catalog) -> bytes:
    """A catalogue as its file."""
    body = BytesIO()
    write_po(body, texts, width=100, sort_output=True, include_lineno=False)
    return body.getvalue()


if __name__ == "__main__":
    for language in LANGUAGES:
        (FOLDER / language / "LC_MESSAGES" / "messages.po").write_bytes(written(updated(language)))
