"""Settings of Sphinx for the documentation site; `tox -e docs` builds it.

The whole checkout is the source of the site, so that the same links hold between the files of the checkout and
between the pages of the site. Sphinx reads the pages' Markdown as it is; what only the site needs is added here.
"""

from __future__ import annotations

import re
import shutil
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import desc_sig_punctuation, desc_signature, pending_xref
from sphinx.application import Sphinx
from sphinx.ext.napoleon import GoogleDocstring

import tachyon_sdk
from tachyon_sdk import api, local, models

ROOT = Path(__file__).parent.parent.parent
REFERENCE = "docs/site/reference/"
GUIDES = (
    "Getting_started",
    "Streaming",
    "Live_output",
    "Tools",
    "Structured_output",
    "Chatrooms",
    "Models",
    "Images",
    "Asyncio",
    "Deadlines",
    "Many_calls",
    "Errors",
    "Observability",
    "Configuration",
    "Testing",
    "Local_server",
    "Command",
    "Migrating",
    "Other_servers",
    "Reliability",
    "Performance",
)
AREAS = ("calls", "content", "client", "streams", "tools", "structured", "bulk", "errors", "observe", "local")
REPOSITORY = re.findall(r'(?m)^Source = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))[0]
# Entries of the index, by page and heading. Users search for these words.
INDEX = {
    "README": {
        "Install": "installation, Windows; installation",
        "Connect to the Tachyon service": "environment variables, api.n1.tachy.one, access token, operator",
    },
    "docs/Asyncio": {
        "Asyncio": "asyncio, async client, await",
        "Cancel a call": "cancel; a call in asyncio",
        "Thread safety": "thread safety, threads",
    },
    "docs/Chatrooms": {
        "Chatrooms": "chatrooms, conversation history",
        "List chatrooms": "paging, chatrooms; list",
        "Read the history": "history, chatrooms; messages",
    },
    "docs/Command": {
        "Command": "command line, terminal, shell",
        "Exit status": "exit status",
        "Completion": "completion, bash, zsh, fish",
    },
    "docs/Deadlines": {
        "Set a deadline": "deadline, total timeout",
        "Cancel a call from another thread": "cancel; a call in another thread",
    },
    "docs/Configuration": {
        "Environment variables": "environment variables",
        "Timeouts": "timeouts",
        "Retries": "retries, backoff, Retry-After, rate limits",
        "TLS": "TLS, certificates",
        "Proxies": "proxies, SOCKS, no_proxy",
        "Logging": "logging, debugging",
        "Tracing": "OpenTelemetry, tracing, spans",
    },
    "docs/Errors": {"Errors": "exceptions, errors"},
    "docs/Getting_started": {
        "Install": "installation, Windows; virtual environment",
        "Responses": "response, finish reason",
        "Cost": "cost, usage, tokens, price, billing",
        "Have a conversation": "system prompt, conversation, multi-turn",
        "Send an image": "image, vision, multimodal input",
        "Send many requests": "batch, threads, concurrency",
        "Configure with environment variables": "environment variables, Windows; environment variables",
    },
    "docs/Images": {
        "Images and text files": "images, vision, multimodal input, files",
        "Send a text file": "text files, attachments",
    },
    "docs/Models": {"Models": "models", "Choose a model": "features of models, context window"},
    "docs/Other_servers": {
        "llama.cpp": "llama.cpp",
        "LiteLLM": "LiteLLM",
        "Other gateways": "gateway, nginx, reverse proxy",
        "Additional properties": "reasoning, thinking, extra parameters",
    },
    "docs/Streaming": {
        "Streaming": "streaming, server-sent events, SSE",
        "Cancel a stream": "cancel; a stream, abort, stop",
    },
    "docs/Structured_output": {"Structured output": "structured output, JSON, JSON Schema, pydantic"},
    "docs/Many_calls": {
        "Many calls": "batch, bulk, many requests, rows",
        "Many machines": "Slurm, shards",
    },
    "docs/Observability": {
        "Count tokens and costs": "tokens, cost, usage",
        "Export traces and metrics": "OpenTelemetry; spans and metrics",
        "Write a hook": "hooks",
    },
    "docs/Testing": {
        "Testing": "testing, local server, pytest",
        "Script the answers": "mock, fake server, stub",
        "Record and replay": "vcrpy, cassettes",
    },
    "docs/Tools": {"Tools": "tools, function calling, functions"},
}
# Type variables and private types in signatures, and the types that readers know in their place.
SHOWN_TYPES = {
    "A": "ChatCompletionChunkResponse",
    "C": "ToolCall",
    "F": "Callable",
    "FirstChoice": "ChatCompletionChunkResponse",
    "M": "Message",
}
MODULES = dict.fromkeys(local.__all__, "tachyon_sdk.local") | dict.fromkeys(
    tachyon_sdk.__all__, "tachyon_sdk"
)

project = "tachyon_sdk"
release = tachyon_sdk.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
root_doc = "README"
include_patterns = ["*.md", "docs/*.md", "examples/*.md", f"{REFERENCE}*.rst"]
exclude_patterns = [".*", "AGENTS.md", "benchmarks", "build", "dist", "tachyon_sdk", "test"]

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
html_favicon = "static/favicon.svg"
html_show_copyright = False
html_show_sphinx = False
html_domain_indices = False
html_theme_options = {"top_of_page_buttons": []}
# Not on what a program prints.
copybutton_selector = "div:not(.highlight-text) > div.highlight > pre"
copybutton_prompt_text = "$ "
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
        [
            *(f"{name} <docs/{name}>" for name in api.__all__),
            f"{REFERENCE}models",
            "docs/Reference",
            "Index <genindex>",
        ],
        ":caption: Reference",
    )
    + toctree(
        [
            *in_checkout("CHANGELOG", "CONTRIBUTING", "docs/Architecture", "SECURITY"),
            f"Repository <{REPOSITORY}>",
        ],
        ":caption: Project",
    ),
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
    text = head + mark.replace("#", "##") + rest.replace("\n# **", "\n## **") + ADDED.get(docname, "")
    for heading, entries in INDEX.get(docname, {}).items():
        text, found = re.subn(
            rf"(?m)^#+ {re.escape(heading)}$", rf"\g<0>\n\n```{{index}} {entries}\n```", text, count=1
        )
        if not found:
            raise LookupError(f"{docname} has no heading {heading!r}")
    source[0] = text


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


def show_types(app: Sphinx, doctree: nodes.document) -> None:
    """Put the types that readers know in the place of type variables and private types in signatures."""
    for signature in doctree.findall(desc_signature):
        owner = signature.get("class") or signature.get("fullname")
        shown = SHOWN_TYPES | {
            "Stream": {"T": "ChatCompletionChunkResponse"},
            "ApiResponse": {"T": "Any"},
        }.get(owner, {})
        for reference in list(signature.findall(pending_xref)):
            name = shown.get(reference["reftarget"].rpartition(".")[2])
            if name is not None:
                leave_out_arguments(reference)
                reference["reftarget"] = f"tachyon_sdk.{name}" if name in MODULES else name
                reference.children = [nodes.Text(name)]


def leave_out_arguments(reference: pending_xref) -> None:
    """Remove what stands in brackets behind the name of a type."""
    siblings = reference.parent.children
    start = end = siblings.index(reference) + 1
    depth = 0
    for sibling in siblings[start:]:
        text = sibling.astext() if isinstance(sibling, desc_sig_punctuation) else ""
        depth += text.count("[") - text.count("]")
        if depth < 0 or (not depth and text != "]"):
            break
        end += 1
        if not depth:
            break
    del siblings[start:end]


def describe(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Describe a page by its first paragraph, for search engines."""
    texts = doctree.findall(nodes.paragraph) if doctree else ()
    for paragraph in (each for each in texts if isinstance(each.parent, nodes.section)):
        text = " ".join(paragraph.astext().split())
        context["metatags"] += f'<meta name="description" content="{escape(text)}">\n'
        break


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

    Napoleon takes the text before a colon for a type: in the first line of the docstring of a property, and in the
    section `Returns`. So all docstrings are read as those of methods, and this section is written as a field.
    """
    kind = what if what in ("class", "exception") else "method"
    text = re.sub(r"(?m)^Returns:\n    (?=\S)", ":returns: ", "\n".join(lines))
    lines[:] = text.splitlines()
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
    app.connect("doctree-read", show_types)
    app.connect("doctree-read", link_names)
    app.connect("doctree-read", name_models)
    app.connect("html-page-context", describe)
    app.connect("build-finished", make_index)
