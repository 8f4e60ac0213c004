"""reStructuredText, read by docutils into HTML; what docutils does not know is reported, and leaves its text."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from bs4 import Tag
from docutils import nodes
from docutils.core import publish_doctree, publish_from_doctree
from docutils.parsers.rst import Directive, directives, roles
from nightdesk.domain.errors import Permanent

from .html_trees import new_tag, parse_html
from .report import CHANGED, LOST
from .shortcodes import VIDEOS, Note

_SETTINGS = {
    "file_insertion_enabled": False,  # a text never reads other files
    "_disable_config": True,
    "report_level": 2,
    "warning_stream": False,
    "halt_level": 5,
    "syntax_highlight": "none",
    "initial_header_level": 2,
    "math_output": "LaTeX",
    "smart_quotes": False,
    "embed_stylesheet": False,
    "stylesheet_path": "",
    "line_length_limit": 1 << 20,
}
_NAMES = re.compile(r"(?m)^[ \t]*\.\.[ \t]+(?:\|[^|\n]+\|[ \t]+)?([A-Za-z][\w:.+-]*?)[ \t]*::(?:[ \t]|$)")
_ROLES = re.compile(r":([A-Za-z][\w:.+-]*):`|`:([A-Za-z][\w:.+-]*):")
_CODE = ("code", "code-block", "sourcecode", "highlight")
_UNSEEN = ("index", "todo", "only", "contents", "toctree", "update", "post")
_TITLE = re.compile(r"^(.*?)\s*<([^<>]+)>$", re.DOTALL)


class UnreadableText(Permanent):
    """A text that docutils cannot read."""


class RstText(NamedTuple):
    """A text of reStructuredText.

    Attributes:
        values: what stands in its head: `title` and the fields below it, in lower case.
        html: the rest.
    """

    values: dict[str, str]
    html: str


def read_restructured(text: str, note: Note) -> RstText:
    """Read a text.

    Args:
        note: is called for everything that docutils does not know.

    Raises:
        UnreadableText: docutils fails at it.
    """
    work = _Work(note)
    with work.lenient(text):
        try:
            document = publish_doctree(text, settings_overrides=_SETTINGS)
            values = _head(document)
            work.report_messages(document)
            made = publish_from_doctree(
                document, writer="html5", settings_overrides={**_SETTINGS, "output_encoding": "unicode"}
            )
        except (
            AttributeError,
            ValueError,
            TypeError,
            LookupError,
            RecursionError,
            AssertionError,
            NotImplementedError,
        ) as error:
            raise UnreadableText("the reStructuredText cannot be read") from error
    return RstText(values, _plain_html(str(made)))


class _AnyOptions(dict[str, Callable[[str], str]]):
    """Options of an unknown directive: each is kept as its text."""

    def __missing__(self, name: str) -> Callable[[str], str]:
        return lambda value: value or ""

    def __bool__(self) -> bool:
        return True


class _Work:
    def __init__(self, note: Note) -> None:
        self._note = note

    def lenient(self, text: str) -> _Registered:
        """Return a context in which docutils knows every directive and role of a text."""
        return _Registered(text, self._note)

    def report_messages(self, document: nodes.document) -> None:
        """Take docutils' complaints out of a document, and report them; a passage that it could not read stays as text."""
        messages = [*document.findall(nodes.system_message), *document.transform_messages]
        document.transform_messages = []  # or docutils would append them to the text
        for message in dict.fromkeys(messages):
            said = " ".join(message.children[0].astext().split())[:160] if message.children else ""
            line = int(message.get("line", 1))
            if re.search(r"directive disabled|access deactivated", said):
                self._note(LOST, "a directive that takes in another file was taken out", said, line)
            elif int(message.get("level", 0)) >= 3:
                self._note(CHANGED, "a passage of reStructuredText is not well-formed; its text stays", said, line)
                kept = [each for each in message.children if isinstance(each, nodes.literal_block)]
                if message.parent is not None and kept and not isinstance(message.parent, nodes.paragraph):
                    message.parent.replace(message, [nodes.paragraph("", kept[0].astext())])
                    continue
            if message.parent is not None:
                message.parent.remove(message)
        for problem in list(document.findall(nodes.problematic)):
            problem.parent.replace(problem, nodes.Text(problem.astext()))
        for section in list(document.findall(nodes.section)):
            if "system-messages" in section.get("classes", ()):
                section.parent.remove(section)


class _Registered:
    """Registers the directives and roles that docutils does not know, and takes them back at the end."""

    def __init__(self, text: str, note: Note) -> None:
        self._text, self._note = text, note
        self._before: tuple[dict[str, Any], dict[str, Any]] = ({}, {})

    def __enter__(self) -> None:
        self._before = dict(directives._directives), dict(roles._roles)
        known = directives._directive_registry
        for name in {name.lower() for name in _NAMES.findall(self._text)}:
            if name in _CODE:
                directives.register_directive(name, _Code)
            elif name not in known and name not in directives._directives:
                directives.register_directive(name, _unknown_directive(self._note))
        for found in _ROLES.findall(self._text):
            name = (found[0] or found[1]).lower()
            if name not in roles._role_registry and name not in roles._roles:
                roles.register_local_role(name, _unknown_role)

    def __exit__(self, *_: object) -> None:
        directives._directives.clear()
        directives._directives.update(self._before[0])
        roles._roles.clear()
        roles._roles.update(self._before[1])


class _AnyDirective(Directive):  # type: ignore[misc]  # docutils has no types
    """A directive that takes any argument, options and content."""

    optional_arguments = 1
    final_argument_whitespace = True
    option_spec = _AnyOptions()
    has_content = True


class _Code(_AnyDirective):
    def run(self) -> list[nodes.Node]:
        language = (self.arguments[0].split() or [""])[0] if self.arguments else ""
        text = "\n".join(self.content)
        return [nodes.literal_block(text, text, classes=["code", f"language-{language}"] if language else [])]


def _unknown_directive(note: Note) -> type[Directive]:
    class Unknown(_AnyDirective):
        def run(self) -> list[nodes.Node]:
            argument = self.arguments[0].strip() if self.arguments else ""
            typed = f".. {self.name}:: {argument}".strip()[:160]
            name = self.name.rpartition(":")[2].lower()
            if address := _address(name, argument):
                note(CHANGED, "a directive became a link", typed, self.lineno)
                return [nodes.paragraph("", "", nodes.reference("", address, refuri=address))]
            made = nodes.container()
            self.state.nested_parse(self.content, self.content_offset, made)
            if name in _UNSEEN and not self.content:
                return []
            outcome, end = (CHANGED, "its text stays") if self.content else (LOST, "it was taken out")
            note(outcome, f"the directive “{self.name}” has no meaning here; {end}", typed, self.lineno)
            return list(made.children)

    return Unknown


def _address(name: str, argument: str) -> str:
    """Return the address of what a directive embeds; empty if it embeds nothing that is known."""
    first = (argument.split() or [""])[0]
    if re.match(r"https?://\S+$", argument):
        return argument
    return VIDEOS[name].format(first) if name in VIDEOS and first else ""


def _unknown_role(
    name: str, rawtext: str, text: str, *_: object
) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    """Leave the words of a role: those before an address in angle brackets."""
    plain = nodes.unescape(text)
    found = _TITLE.match(plain)
    return [nodes.Text(found[1] if found and found[1] else plain)], []


def _head(document: nodes.document) -> dict[str, str]:
    """Take the title and its fields out of a document, and return them."""
    values: dict[str, str] = {}
    for child in list(document.children):
        if isinstance(child, nodes.title):
            values["title"] = child.astext()
        elif isinstance(child, nodes.subtitle):
            values["subtitle"] = child.astext()
        elif isinstance(child, nodes.docinfo):
            for field in child.children:
                values |= _field(field)
        else:
            continue
        document.remove(child)
    return values


def _field(field: nodes.Node) -> dict[str, str]:
    if isinstance(field, nodes.field):
        return {field.children[0].astext().lower(): " ".join(field.children[1].astext().split())}
    if isinstance(field, nodes.authors):
        return {"authors": "; ".join(each.astext() for each in field.children)}
    return {field.tagname.lower(): " ".join(field.astext().split())}


def _plain_html(page: str) -> str:
    """Return the body of docutils' page, in elements that other converters write, too."""
    soup = parse_html(page)
    main = soup.find("main") or soup.body or soup
    assert isinstance(main, Tag)
    for pre in main.find_all("pre"):
        others = ("code", "literal-block", "doctest-block")
        classes = [str(name) for each in (*pre.find_all("code"), pre) for name in each.get("class") or ()]
        language = str(pre.get("lang") or next((name for name in classes if name not in others), ""))
        code = new_tag("code", pre.get_text(), **({"class": f"language-{language}"} if language else {}))
        pre.clear()
        pre.append(code)
    for literal in main.select("span.literal"):
        literal.name = "code"
    _footnotes(main)
    for image in main.find_all("img"):
        if image.get("alt") == image.get("src"):  # docutils' stand-in for a description
            image["alt"] = ""
    for box in main.select("aside.admonition, div.admonition"):
        box.name = "blockquote"
        if title := box.select_one(".admonition-title"):
            title.name = "p"
            words = new_tag("strong", title.get_text())
            title.clear()
            title.append(words)
    for section in main.find_all(["section", "main", "header", "aside"]):
        section.unwrap()
    return main.decode_contents() if main.name else str(soup)


def _footnotes(main: Tag) -> None:
    """Write footnotes and citations as a list, as Markdown's converters do."""
    found = main.select("aside.footnote, div.citation")
    if not found:
        return
    holder = new_tag("ol", **{"class": "footnotes"})
    for each in found:
        item = new_tag("li", id=str(each.get("id") or ""))
        for label in each.select("span.label, span.backrefs"):
            label.decompose()
        item.extend(list(each.contents))
        each.decompose()
        holder.append(item)
    main.append(holder)
    for anchor in main.select("a.footnote-reference, a.citation-reference"):
        anchor.attrs = {"href": str(anchor.get("href") or "")}
        for span in anchor.find_all("span"):
            span.decompose()
