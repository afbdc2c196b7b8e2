"""The documentation site, as `tox -e docs` has built it into the directory that DOCS_SITE names."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

import tachyon_sdk
from support.examples import PAGES, ROOT, examples, links
from tachyon_sdk import api, local, models

if "DOCS_SITE" not in os.environ:
    pytest.skip("DOCS_SITE is not set; `tox -e docs` builds the site and sets it", allow_module_level=True)

SITE = Path(os.environ["DOCS_SITE"]).resolve()
EXAMPLES = ROOT / "examples" / "README.md"
SOURCES = {page.relative_to(ROOT).with_suffix("").as_posix(): page for page in (*PAGES, EXAMPLES)}
GENERATED = {
    *api.__all__,
    *models.__all__,
}
REFERENCE = "docs/site/reference/"
# What a browser loads of its own accord; of a form, where it sends what is typed.
LOADED = {"src", "srcset", "poster", "data", "action", "background"}
LINK_TYPES_NOT_LOADED = {"author", "canonical", "index", "next", "prev", "search"}


class Page(HTMLParser):
    """What the tests want to know of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.written_links: list[str] = []
        self.loaded: list[str] = []
        self.titles: list[str] = []
        self.code: list[str] = []
        self._in_article = False
        self._into: list[str] | None = None
        self._until = ""
        self.html = path.read_text(encoding="utf-8")
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if "id" in found:
            self.ids.add(found["id"])
        if tag in ("a", "link") and "href" in found:
            self.links.append(found["href"])
            if self._in_article:
                self.written_links.append(found["href"])
        self._in_article = self._in_article or tag == "article"
        if tag == "link" and not LINK_TYPES_NOT_LOADED.intersection(found["rel"].split()):
            self.loaded.append(found["href"])
        self.loaded += [value for name, value in found.items() if name in LOADED]
        if tag in ("h1", "pre"):
            self._into, self._until = (self.titles if tag == "h1" else self.code), tag
            self._into.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_article = self._in_article and tag != "article"
        if tag == self._until:
            self._into = None

    def handle_data(self, data: str) -> None:
        if self._into is not None:
            self._into[-1] += data


@pytest.fixture(scope="module")
def site() -> dict[str, Page]:
    """The pages by their path in the site, without `.html`."""
    return {path.relative_to(SITE).with_suffix("").as_posix(): Page(path) for path in SITE.rglob("*.html")}


@pytest.fixture(scope="module")
def index() -> Any:
    """What the search looks things up in."""
    text = (SITE / "searchindex.js").read_text(encoding="utf-8")
    return json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))


def is_elsewhere(url: str) -> bool:
    parts = urlsplit(url)
    return bool(parts.netloc) or parts.scheme not in ("", "data")


@pytest.mark.parametrize("name", SOURCES)
def test_every_page_is_on_the_site_with_one_title(name: str, site: dict[str, Page]) -> None:
    (heading,) = re.findall(r"(?m)\A# (.+)$", SOURCES[name].read_text(encoding="utf-8"))
    assert [title.removesuffix("¶") for title in site[name].titles] == [heading]


@pytest.mark.parametrize("name", SOURCES)
def test_every_page_is_in_the_navigation(name: str, site: dict[str, Page]) -> None:
    (navigation,) = re.findall(r'(?s)<div class="sidebar-tree">(.*?)</aside>', site["index"].html)
    assert name == "README" or f'href="{name}.html"' in navigation


def test_the_site_begins_with_the_readme(site: dict[str, Page]) -> None:
    assert site["index"].html == site["README"].html


@pytest.mark.parametrize("name", SOURCES)
def test_every_example_is_on_its_page_to_the_letter(name: str, site: dict[str, Page]) -> None:
    shown = [code.strip() for code in site[name].code]
    assert [each.name for each in examples(SOURCES[name]) if each.source.strip() not in shown] == []


def test_the_page_of_the_examples_shows_them(site: dict[str, Page]) -> None:
    shown = [code.strip() for code in site["examples/README"].code]
    programs = list(EXAMPLES.parent.glob("*.py"))
    assert programs
    assert [path.name for path in programs if path.read_text(encoding="utf-8").strip() not in shown] == []


@pytest.mark.parametrize("name", SOURCES)
def test_the_search_knows_every_heading(name: str, index: Any) -> None:
    number = index["docnames"].index(name)
    known = {title for title, places in index["alltitles"].items() if number in dict(places)}
    text = re.sub(r"(?ms)^```.*?^```$", "", SOURCES[name].read_text(encoding="utf-8"))
    headings = {re.sub(r"[*`]", "", heading) for heading in re.findall(r"(?m)^#+ (.+)$", text)}
    assert headings
    assert headings <= known


def public_names() -> Iterator[str]:
    """The names that the reference must have: those of the package and, of its classes, the public methods."""
    for module in (tachyon_sdk, local):
        for name in module.__all__:
            yield f"{module.__name__}.{name}"
    for cls in (tachyon_sdk.ChatApi, tachyon_sdk.Configuration, tachyon_sdk.Stream, tachyon_sdk.Toolbox):
        yield from (f"tachyon_sdk.{cls.__name__}.{name}" for name in vars(cls) if not name.startswith("_"))


@pytest.mark.parametrize("name", [*public_names()])
def test_the_reference_has_every_public_name(name: str, site: dict[str, Page], index: Any) -> None:
    model = name.removeprefix("tachyon_sdk.")
    if model in models.__all__:
        assert site[f"docs/{model}"].titles
    else:
        assert [page for page in site if page.startswith(REFERENCE) and name in site[page].ids]
    within, _, last = name.rpartition(".")
    assert last in [each[-1] for each in index["objects"][within]]


def test_the_overview_of_the_reference_leads_to_all_but_what_is_generated(site: dict[str, Page]) -> None:
    linked = {link.rpartition("#")[2] for link in site["docs/Reference"].links}
    names = {f"{module.__name__}.{name}" for module in (tachyon_sdk, local) for name in module.__all__}
    assert names - linked <= {f"tachyon_sdk.{name}" for name in GENERATED}


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("asyncio", "docs/Asyncio"),
        ("vision", "docs/Getting_started"),
        ("image", "docs/Getting_started"),
        ("system prompt", "docs/Getting_started"),
        ("mock", "docs/Testing"),
        ("batch", "docs/Getting_started"),
        ("cancel", "docs/Streaming"),
        ("cost", "docs/Getting_started"),
        ("Windows", "README"),
        ("OpenTelemetry", "docs/Configuration"),
    ],
)
def test_a_word_that_users_search_for_is_in_the_index_and_on_its_page(
    word: str, name: str, site: dict[str, Page], index: Any
) -> None:
    assert word.lower() in SOURCES[name].read_text(encoding="utf-8").lower()
    entries = {entry.lower(): places for entry, places in index["indexentries"].items()}
    assert index["docnames"].index(name) in {page for page, *_ in entries[word.lower()]}
    assert re.search(rf"[>\s]{word}[<\s]", site["genindex"].html)


def test_a_signature_shows_types_that_readers_know(site: dict[str, Page]) -> None:
    pages = {name: page for name, page in site.items() if name.startswith(REFERENCE)}
    for name, page in pages.items():
        signatures = re.findall(r'(?s)<dt class="sig .*?</dt>', page.html)
        shown = " ".join(re.sub(r"<[^>]+>", " ", signature) for signature in signatures)
        # The type that `ask_for`, `parse_as` and `bulk.each` are given.
        allowed = {"T"} if name.endswith(("/structured", "/bulk")) else set()
        assert set(re.findall(r"(?<![\w.%])[A-Z](?:_\w+)?(?!\w)", shown)) <= allowed, name
        assert "FirstChoice" not in shown
    assert "Return type" not in "".join(page.html for page in pages.values())


def test_a_page_has_a_description_and_an_icon(site: dict[str, Page]) -> None:
    for name, page in site.items():
        assert any(url.endswith("_static/favicon.svg") for url in page.loaded), name
        if name not in ("genindex", "search"):
            assert re.search(r'<meta name="description" content="[^"]{10,}">', page.html), name
    assert (SITE / "_static" / "favicon.svg").is_file()


def test_code_can_be_copied_but_not_what_a_program_prints(site: dict[str, Page]) -> None:
    assert any("copybutton.js" in url for url in site["index"].loaded)
    script = (SITE / "_static" / "copybutton.js").read_text(encoding="utf-8")
    assert "div:not(.highlight-text) > div.highlight > pre" in script


def test_the_navigation_leads_to_the_repository_and_the_index(site: dict[str, Page]) -> None:
    source = re.search(r'(?m)^Source = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert source
    assert {source[1], "genindex.html"} <= set(site["index"].links)


def test_names_in_the_guides_lead_to_the_reference(site: dict[str, Page]) -> None:
    assert "site/reference/errors.html#tachyon_sdk.ApiException" in site["docs/Reliability"].links
    assert "ChatCompletionChunkResponse.html#chatcompletionchunkresponse" in site["docs/Reference"].links


def test_a_page_loads_nothing_from_elsewhere(site: dict[str, Page]) -> None:
    loaded = {url for page in site.values() for url in page.loaded}
    assert any(url.endswith(".css") or ".css?" in url for url in loaded)
    assert [url for url in loaded if is_elsewhere(url)] == []
    for page in site.values():
        assert not re.search(r"@import|url\(\s*[\"']?(?!data:)\w+:|url\(\s*[\"']?//", page.html)


@pytest.mark.parametrize("kind", ["css", "js"])
def test_styles_and_scripts_load_nothing_from_elsewhere(kind: str) -> None:
    files = list(SITE.rglob(f"*.{kind}"))
    assert files
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert "@import" not in text
        text = re.sub(r"/\*[^*]*\*+(?:[^/*][^*]*\*+)*/|(?m:^\s*//.*$)", "", text)  # comments
        text = text.replace("http://www.w3.org/2000/svg", "")  # the name of a format, not an address
        if file.name != "searchindex.js":  # which has the text of the pages
            assert re.findall(r"\w+://[^\s\"')]+|[\"'(]//\w[^\s\"')]+", text) == [], file.name


def test_every_link_within_the_site_leads_somewhere(site: dict[str, Page]) -> None:
    broken = []
    for name, page in site.items():
        for link in {*page.links, *page.loaded}:
            parts = urlsplit(link)
            if is_elsewhere(link) or parts.scheme:
                continue
            target = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path
            ids = (
                site[target.relative_to(SITE).with_suffix("").as_posix()].ids
                if target.suffix == ".html"
                else ()
            )
            if not target.is_file() or (parts.fragment and unquote(parts.fragment) not in ids):
                broken.append(f"{name}: {link}")
    assert broken == []


@pytest.mark.parametrize("name", [name for name in SOURCES if Path(name).name not in GENERATED])
def test_every_link_of_a_page_is_one_on_the_site(name: str, site: dict[str, Page]) -> None:
    """But for generated pages, whose links to the README stand for what the site has at its side."""
    paths = {link.partition("#")[0] for link in links(SOURCES[name]) if not link.startswith("http")}
    wanted = {re.sub(r"\.md$", ".html", path) for path in paths if path.endswith(".md")} - {
        site[name].path.name
    }
    wanted |= {link for link in links(SOURCES[name]) if link.startswith("http")}
    written = {url if is_elsewhere(url) else url.partition("#")[0] for url in site[name].written_links}
    assert wanted <= written
