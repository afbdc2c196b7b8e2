"""Settings of Sphinx for the documentation site; `tox -e docs` builds it.

The whole checkout is the source of the site, so that the same links hold between the files of the checkout and
between the pages of the site. Sphinx reads the pages' Markdown as it is; what only the site needs is added here.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.ext.napoleon import GoogleDocstring

import tachyon_sdk
from tachyon_sdk import api, local, models

ROOT = Path(__file__).parent.parent.parent
REFERENCE = "docs/site/reference/"
GUIDES = (
    "Getting_started",
    "Streaming",
    "Tools",
    "Structured_output",
    "Chatrooms",
    "Asyncio",
    "Errors",
    "Configuration",
    "Testing",
    "Migrating",
    "Other_servers",
    "Reliability",
    "Performance",
)
AREAS = ("calls", "client", "streams", "tools", "structured", "errors", "local")
MODULES = dict.fromkeys(local.__all__, "tachyon_sdk.local") | dict.fromkeys(
    tachyon_sdk.__all__, "tachyon_sdk"
)

project = "tachyon_sdk"
release = tachyon_sdk.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "README"
include_patterns = ["*.md", "docs/*.md", "examples/*.md", f"{REFERENCE}*.rst"]
exclude_patterns = [".*", "benchmarks", "build", "dist", "tachyon_sdk", "test"]

# Markdown means what it means on GitHub.
myst_heading_anchors = 4
myst_disable_syntax = ["myst_block_break", "myst_line_comment", "myst_role", "myst_target", "substitution"]

# A name between single backticks, as docstrings have it, is looked up; where there is no such name it is plain code.
default_role = "py:obj"
smartquotes_action = "D"  # dashes alone: quotation marks may be code
add_module_names = False
autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
maximum_signature_line_length = 80
napoleon_google_docstring = napoleon_numpy_docstring = False  # see read_docstring
napoleon_use_ivar = True
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = f"tachyon_sdk {release}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
html_use_index = False
html_domain_indices = False
html_theme_options = {"top_of_page_buttons": []}
pygments_style = "friendly"
pygments_dark_style = "monokai"


def toctree(pages: list[str], *options: str) -> str:
    return "\n".join(["", "```{toctree}", ":hidden:", *options, "", *pages, "```", ""])


def in_checkout(*pages: str) -> list[str]:
    return [page for page in pages if (ROOT / f"{page}.md").is_file()]


ADDED = {
    root_doc: toctree(
        in_checkout(*(f"docs/{name}" for name in GUIDES), "examples/README"), ":caption: Guides"
    )
    + toctree(
        [*(f"{name} <docs/{name}>" for name in api.__all__), f"{REFERENCE}models", "docs/Reference"],
        ":caption: Reference",
    )
    + toctree(in_checkout("CHANGELOG", "CONTRIBUTING", "SECURITY"), ":caption: Project"),
    "examples/README": "".join(
        f"\n## {path.name}\n\n```{{literalinclude}} {path.name}\n```\n"
        for path in sorted((ROOT / "examples").glob("*.py"))
    ),
    "docs/Reference": toctree([f"site/reference/{area}" for area in AREAS]),
    f"{REFERENCE}calls": "".join(f"\n.. autoclass:: tachyon_sdk.{name}\n" for name in api.__all__),
    f"{REFERENCE}models": "\n.. toctree::\n   :titlesonly:\n\n"
    + "".join(f"   /docs/{name}\n" for name in models.__all__),
}


def read_source(app: Sphinx, docname: str, source: list[str]) -> None:
    """Take from a page what the site has in its own form, and add what only the site has."""
    text = re.sub(r"(?m)^\[\[Back to .*$", "", source[0])
    # A page of the site has one title; those of the methods come below it.
    head, mark, rest = text.partition("\n# **")
    source[0] = head + mark.replace("#", "##") + rest.replace("\n# **", "\n## **") + ADDED.get(docname, "")


def link_names(app: Sphinx, doctree: nodes.document) -> None:
    """Make links of the names of this package that a page has as code."""
    for code in list(doctree.findall(nodes.literal)):
        name = re.sub(r"^tachyon_sdk\.(local\.)?|\(\)$", "", code.astext())
        module = MODULES.get(name.partition(".")[0])
        if (
            module
            and re.fullmatch(r"[\w.]+", name)
            and not is_within(code, nodes.title, nodes.reference, pending_xref)
        ):
            target = f"{module}.{name}"
            link = pending_xref("", refdomain="py", reftype="obj", reftarget=target, refdoc=app.env.docname)
            code.replace_self(link)
            link += code


def is_within(node: nodes.Node | None, *kinds: type[nodes.Node]) -> bool:
    return node is not None and (isinstance(node, kinds) or is_within(node.parent, *kinds))


def name_models(app: Sphinx, doctree: nodes.document) -> None:
    """Make each model known under its name in Python, at the page that its contract gave it."""
    name = app.env.docname.removeprefix("docs/")
    if name in models.__all__:
        python = app.env.domains.python_domain
        section = next(doctree.findall(nodes.section))
        full_name = getattr(models, name).__module__ + f".{name}"
        python.note_object(f"tachyon_sdk.{name}", "class", section["ids"][0], location=section)
        python.note_object(full_name, "class", section["ids"][0], aliased=True, location=section)


def make_index(app: Sphinx, error: Exception | None) -> None:
    """Show the first page at the address of the site."""
    if error is None:
        shutil.copy(app.outdir / f"{root_doc}.html", app.outdir / "index.html")


def read_docstring(
    app: Sphinx, what: str, name: str, value: object, options: object, lines: list[str]
) -> None:
    """Read the sections of a docstring, Google style.

    All are read as those of a method. Napoleon takes what comes before a colon in the first line of a property's for
    its type.
    """
    kind = what if what in ("class", "exception") else "method"
    lines[:] = GoogleDocstring(lines, app.config, app, kind, name, value, options).lines()


def leave_out_signature(
    app: Sphinx,
    what: str,
    name: str,
    value: type,
    options: object,
    signature: str | None,
    returned: str | None,
) -> tuple[str, None] | None:
    """What the package makes itself is not shown how to make, nor an error like the one that it derives from."""
    is_made_here = name == "tachyon_sdk.Stream" or (what == "exception" and "__init__" not in vars(value))
    return ("", None) if signature and is_made_here else None


def setup(app: Sphinx) -> None:
    app.connect("autodoc-process-docstring", read_docstring)
    app.connect("autodoc-process-signature", leave_out_signature)
    app.connect("source-read", read_source)
    app.connect("doctree-read", link_names)
    app.connect("doctree-read", name_models)
    app.connect("build-finished", make_index)
