"""The catalogues are complete, agree in their places, and hold what the sources say."""

import re
import string
from html.parser import HTMLParser

import pytest

from sirocco.contracts.states import Role
from tests.portal import furnish, portal_app, sign_in
from tests.world import a_cmdb, populate
from web.extract import known, template, updated, written
from web.language import FOLDER, LANGUAGES, catalogue

LITERAL = re.compile(r">\s*([A-Z][a-z]+(?: [a-z]+)+)[^<{]*<")


def texts(message):
    """Every source and every translation of a message."""
    sources = message.id if isinstance(message.id, tuple) else (message.id,)
    results = message.string if isinstance(message.string, tuple) else (message.string,)
    return sources, results


def places(text: str, *, percent: bool, brace: bool) -> set[str]:
    found = set(re.findall(r"%\(\w+\)[sd]|%%", text)) if percent else set()
    return found | ({name for _, name, _, _ in string.Formatter().parse(text) if name} if brace else set())


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_missing_fuzzy_or_left_over(language):
    wanted = {message.id for message in template() if message.id}
    have = {message.id: message for message in known(language) if message.id}
    assert set(have) == wanted, "run: python -m web.extract"
    for message in have.values():
        assert all(texts(message)[1]), f"not translated into {language}: {message.id}"
        assert not message.fuzzy, message.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_places_are_the_same_in_every_language(language):
    for message in known(language):
        if message.id:
            sources, results = texts(message)
            kinds = {"percent": message.python_format, "brace": "python-brace-format" in message.flags}
            expected = set().union(*(places(text, **kinds) for text in sources))
            for result in results:
                assert places(result, **kinds) == expected, message.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_file_is_as_extraction_would_write_it(language):
    kept = (FOLDER / language / "LC_MESSAGES" / "messages.po").read_bytes()
    assert kept == written(updated(language)), "run: python -m web.extract"


def test_templates_hold_no_words_outside_the_catalogues():
    for file in [*FOLDER.parent.glob("templates/**/*.html"), *FOLDER.parent.glob("components/*.html")]:
        bare = re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}", "", file.read_text(), flags=re.DOTALL)
        assert not LITERAL.search(bare), f"{file.name}: {LITERAL.search(bare)}"


class Spoken(HTMLParser):
    """What a page says: its texts and the attributes that are read out, but for what is marked as English."""

    def __init__(self):
        super().__init__()
        self.said, self._foreign = set(), []

    def handle_starttag(self, tag, attributes):
        known = dict(attributes)
        self._foreign.append(tag) if self._foreign or known.get("lang") == "en" else None
        self.said |= {known[name] for name in ("title", "aria-label", "placeholder") if known.get(name)}

    def handle_endtag(self, tag):
        if self._foreign and self._foreign[-1] == tag:
            self._foreign.pop()

    def handle_data(self, data):
        if not self._foreign:
            self.said.add(" ".join(data.split()))


def test_a_french_page_says_nothing_in_english(tmp_path):
    english = {
        message.id for message in known("fr") if isinstance(message.id, str) and message.id not in {"", message.string}
    }
    with a_cmdb(f"sqlite:///{tmp_path / 'cmdb.sqlite'}", tmp_path) as cmdb:
        visited = furnish(populate(cmdb))
        client = portal_app(cmdb, tmp_path).test_client()
        sign_in(client, "olga")
        left = {}
        for path in visited.pages(Role.OPERATOR):
            for language in ("en", "fr"):
                client.set_cookie("sirocco_language", language)
                page = Spoken()
                page.feed(client.get(path).text)
            if found := page.said & english:
                left[path] = found
    assert left == {}, left


def test_french_counts_one_and_none_alike():
    count = ("%(num)s core", "%(num)s cores")
    assert [catalogue("fr").ngettext(*count, number) for number in (0, 1, 2)] == ["%(num)s cœur"] * 2 + [
        "%(num)s cœurs"
    ]
    assert catalogue("en").ngettext(*count, 0) == "%(num)s cores"
