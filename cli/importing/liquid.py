"""Liquid and Nunjucks, the template languages of Jekyll and Eleventy, where they stand in texts.

A tag that yields a text or an address is replaced by it. Conditions and loops are taken out with their contents, because the
archive does not tell what readers saw of them.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .front_matter import Matter
from .kramdown import plain_kramdown
from .liquid_values import evaluate, lookup
from .markdown_text import Lines
from .media import is_image
from .records import LineMap
from .report import CHANGED, LOST
from .shortcodes import Call, Note, has_meaning, meaning_of

_TOKEN = re.compile(
    r"\{%-?\s*(?P<name>[A-Za-z_][\w-]*)(?P<rest>(?:\"[^\"]*+\"|'[^']*+'|(?!\{%)[^\"'%]|%(?!\})){0,4000}?)-?%\}"
    r"|\{\{-?(?P<value>(?:\"[^\"]*\"|'[^']*'|[^\"'{}])*?)-?\}\}|(?P<note>\{#.*?#\})",
    re.DOTALL,
)
_PARAMETER = re.compile(r"(?:([\w-]+)\s*[=:]\s*)?(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'=,|]+))")
_CONTROL = frozenset(
    [
        "if",
        "unless",
        "for",
        "case",
        "tablerow",
        "comment",
        "paginate",
        "macro",
        "block",
        "call",
        "filter",
        "asyncEach",
        "asyncAll",
        "cache",
    ]
)
_SILENT = frozenset(
    [
        "increment",
        "decrement",
        "cycle",
        "break",
        "continue",
        "else",
        "elsif",
        "when",
        "layout",
        "extends",
        "import",
    ]
)
_ASSIGNING = frozenset(["assign", "set", "capture"])
_INCLUDING = ("include", "include_cached", "render", "include_relative")
_MAX_DEPTH = 5
_LINK = re.compile(r"(!?)\[((?:[^\[\]\\]|\\.)*)\]\(<([^<>\n]*)>\)")
"""An image or a link, as `meaning_of` writes it."""
_KEPT_WHOLE = frozenset(["raw", "verbatim"])


class Replaced(NamedTuple):
    """A text without template code, and the map of its lines."""

    text: str
    lines: LineMap


def replace_liquid(
    text: str,
    variables: Mapping[str, Any],
    note: Note,
    only: frozenset[str] = frozenset(),
    includes: Callable[[str], str] = lambda name: "",
    is_html: bool = False,
) -> Replaced:
    """Replace all template code in a text.

    Args:
        variables: nested mappings that say what `site.url`, `page.title` and others stand for.
        only: the tags that are replaced, for a system that knows no others; empty for all of the language.
        includes: returns the text of a file that texts may include; empty if there is none.
        is_html: True for a text in HTML, which stays HTML.
    """
    if "{" not in text:
        lines = LineMap([(1, 1)])
        return Replaced(text, lines) if only or is_html else Replaced(*plain_kramdown(text, lines, note))
    work = _Work(text, variables, note)
    work.only, work.includes, work.is_html = only, includes, is_html
    replaced = work.run()
    return replaced if only or is_html else Replaced(*plain_kramdown(replaced.text, replaced.lines, note))


class _Work:
    def __init__(
        self,
        text: str,
        variables: Mapping[str, Any],
        note: Note,
        assigned: dict[str, str] | None = None,
        above: int = 0,
    ) -> None:
        self._text, self._variables = text, variables
        self._note: Note = lambda outcome, kind, detail, line: note(outcome, kind, detail, line + above)
        self._assigned = {} if assigned is None else assigned
        self._prefix = str(lookup(variables, "site.baseurl") or "")
        self.only: frozenset[str] = frozenset()
        self.includes: Callable[[str], str] = lambda name: ""
        self.is_html = False
        self.depth = 0
        self._closings: dict[str, dict[int, re.Match[str]]] = {}
        self._lines = Lines(text)
        self._parts: list[str] = []
        self._anchors = [(1, 1)]
        self._out_line = 1

    def run(self) -> Replaced:
        position = 0
        while found := _TOKEN.search(self._text, position):
            self._write(self._text[position : found.start()])
            made, position = self._take(found)
            self._write(made)
            self._anchors.append((self._out_line, self._lines.at(position)))
        self._write(self._text[position:])
        return Replaced("".join(self._parts), LineMap(self._anchors))

    def _write(self, text: str) -> None:
        self._parts.append(text)
        self._out_line += text.count("\n")

    def _take(self, found: re.Match[str]) -> tuple[str, int]:
        """Return what a token becomes, and where to go on."""
        name, end, line = found["name"], found.end(), self._lines.at(found.start())
        if self.only and name not in self.only:
            return found[0], end
        if found["note"]:
            return "", end
        if name is None:
            return self._value(found, line), end
        closing = self._closing(name, end)
        if name in _ASSIGNING and (name != "set" or "=" in found["rest"] or closing):
            inner = self._text[end : closing.start()] if closing and "=" not in found["rest"] else None
            self._assign(name, found["rest"], inner, line)
            return "", closing.end() if closing and inner is not None else end
        if name in _KEPT_WHOLE and closing:
            return self._text[end : closing.start()], closing.end()
        if name in _CONTROL:
            if name != "comment":
                self._note(LOST, "template code was taken out, with what is in it", found[0][:160], line)
            return "", closing.end() if closing else end
        if name in _SILENT or name.startswith("end"):
            return "", end
        inner = self._text[end : closing.start()] if closing else None
        if inner is not None and "{" in inner:
            inner = self._nested(inner, self._lines.at(end) - 1).run().text
        call = self._call(found, inner, line)
        included = self._included(found, call, line) if name in _INCLUDING and not has_meaning(call) else None
        if included is not None:
            return included, closing.end() if closing else end
        made = self._gallery(call) or meaning_of(call, self._note)
        made = _as_html(made) if self.is_html and not call.is_in_address and made != inner else made
        return made, closing.end() if closing else end

    def _nested(self, text: str, above: int, variables: Mapping[str, Any] | None = None) -> _Work:
        """Return the work on a text inside this one, which begins below that many lines."""
        work = _Work(text, self._variables if variables is None else variables, self._note, self._assigned, above)
        work.only, work.includes, work.depth, work.is_html = self.only, self.includes, self.depth, self.is_html
        return work

    def _included(self, found: re.Match[str], call: Call, line: int) -> str | None:
        """Return the text of an included file without conditions and loops; None if there is none."""
        path = re.match(r"\s*[\"']?([\w./-]+)", found["rest"])
        text = self.includes(path[1]) if path and self.depth < _MAX_DEPTH else ""
        tags = {tag["name"] for tag in _TOKEN.finditer(text) if tag["name"]}
        if not text.strip() or tags & _CONTROL:
            return None
        variables = {**self._variables, **call.values, "include": call.values}
        work = self._nested(re.sub(r"\A---\n.*?^---\n", "", text, flags=re.S | re.M), 0, variables)
        work._note = lambda outcome, kind, detail, _: self._note(outcome, kind, detail, line)
        work.depth = self.depth + 1
        return work.run().text.strip("\n")

    def _closing(self, name: str, start: int) -> re.Match[str] | None:
        """Return the tag that ends a block, past blocks of the same name within it."""
        if name in _KEPT_WHOLE:  # what looks like a tag inside is none
            return re.compile(rf"\{{%-?\s*end{name}\s*-?%\}}").search(self._text, start)
        if name not in self._closings:
            self._closings[name] = self._pairs(name)
        return self._closings[name].get(start)

    def _pairs(self, name: str) -> dict[int, re.Match[str]]:
        """Return the tag that ends each block of a name, by the place at which the block's first tag ends."""
        pairs, still_open = {}, []
        for tag in re.finditer(rf"\{{%-?\s*(end)?[_]?{re.escape(name)}\b[^%]*?-?%\}}", self._text):
            if not tag[1]:
                still_open.append(tag.end())
            elif still_open:
                pairs[still_open.pop()] = tag
        return pairs

    def _call(self, found: re.Match[str], inner: str | None, line: int) -> Call:
        name, rest = found["name"], found["rest"].strip()
        rest = re.sub(r"(?<=\s)\[([^\[\]\"]*)\]", r'"\1"', rest) if name == "img" else rest
        values, places = {}, []
        for key, double, single, bare in _PARAMETER.findall(rest):
            value = double or single or bare
            value = self._bare(bare) if bare else value
            if key:
                values[key.lower()] = value
            else:
                places.append(value)
        if name in _INCLUDING and places:
            name = places.pop(0).rpartition("/")[2].partition(".")[0]
            path = values.get("path", "")
            values.setdefault("src", values.get("image_path") or values.get("url") or (path if is_image(path) else ""))
        name = {"post_url": "ref", "link": "ref", "codeblock": "highlight", "notebook": "include_code"}.get(name, name)
        before = self._text[max(0, found.start() - 200) : found.start()]
        return Call(name.lower(), {k: v for k, v in values.items() if v}, places, inner, before, found[0], line)

    def _gallery(self, call: Call) -> str:
        """Return the images of a gallery, which themes keep in the front matter; empty if this is none."""
        key = call.first("id") or "gallery"
        images = self._lookup(f"page.{key}") or self._lookup(key) if call.name == "gallery" else None
        made = []
        for each in images if isinstance(images, list) else ():
            values = (
                {k: v for k, v in each.items() if isinstance(v, str)} if isinstance(each, dict) else {"url": str(each)}
            )
            values = {"src": values.get("image_path") or values.get("url", ""), "alt": values.get("alt", "")}
            made.append(meaning_of(call._replace(name="figure", values=values, places=[]), self._note).strip())
        return "\n\n" + "\n\n".join([*made, call.first("caption")]).strip() + "\n\n" if made else ""

    def _bare(self, typed: str) -> str:
        value = self._lookup(typed)
        return value if isinstance(value, str) else typed

    def _value(self, found: re.Match[str], line: int) -> str:
        """Return what `{{ … }}` stands for: an address or a text; nothing, with a report, for all else."""
        value = self._evaluate(found["value"], found[0], line)
        if value is None:
            self._note(LOST, "template code was taken out", found[0][:160], line)
            return ""
        return value

    def _evaluate(self, expression: str, typed: str, line: int) -> str | None:
        def unknown(name: str) -> None:
            self._note(CHANGED, f"the filter “{name}” was not applied to a text", typed[:160], line)

        return evaluate(expression, self._lookup, unknown, self._prefix)

    def _lookup(self, name: str) -> Any:
        return self._assigned.get(name) or lookup(self._variables, name)

    def _assign(self, name: str, rest: str, inner: str | None, line: int) -> None:
        """Remember what `assign`, `set` and `capture` give a name to; a later use of what is not known is reported."""
        key, _, expression = rest.strip().partition("=")
        key = key.strip().strip("\"'")
        value = self._evaluate(expression, rest, line) if name != "capture" and inner is None else None
        if inner is not None:
            value = self._nested(inner, line - 1).run().text
        self._assigned.pop(key, None)
        if value:
            self._assigned[key] = value


def is_template(matter: Matter) -> bool:
    """Return True if a text is read for template code, as it is unless its front matter turns that off."""
    engines = matter.texts("templateEngineOverride", split=",")
    is_plain = bool(engines) and not {"liquid", "njk"} & {each.lower() for each in engines}
    return not is_plain and not matter.is_off("render_with_liquid")


def _as_html(made: str) -> str:
    """Return what a tag in a text in HTML becomes, for `html_to_markdown` to read."""
    plain = made.strip()
    if plain.startswith(("```", "http://", "https://")):  # code, and the addresses of cards
        return f"<ndmarkdown>{html.escape(made)}</ndmarkdown>"
    if plain.startswith(">"):
        parts = re.sub(r"(?m)^> ?", "", plain).split("\n\n")
        return f"<blockquote>{''.join(f'<p>{part}</p>' for part in parts)}</blockquote>"
    made = _LINK.sub(_element, made)
    return re.sub(r"^\s*\*\*([^*\n]+)\*\*", r"<p><b>\1</b></p>", made)


def _element(found: re.Match[str]) -> str:
    address, text = html.escape(found[3]), re.sub(r"\\(.)", r"\1", found[2])
    return f'<img src="{address}" alt="{html.escape(text)}">' if found[1] else f'<a href="{address}">{text}</a>'
