"""Writing Markdown from a tree of HTML elements."""

from __future__ import annotations

import html
import re

from bs4 import Tag
from bs4.element import PageElement
from markdownify import MarkdownConverter
from nightdesk.domain.anchors import PREFIX, heading_forms, typed_anchor

from .gates import CLOSE, open_mark
from .markdown_text import DIVIDER

_KEPT_IN_PRE = ("a", "img", "em", "strong", "i", "b", "s", "del", "ins", "mark", "sub", "sup", "u")
_WHITE = re.compile(r"\s+")


class Converter(MarkdownConverter):
    """Writes the Markdown that Nightdesk reads; what Markdown has no form for stays HTML."""

    def convert_nddivider(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return f"\n\n{DIVIDER}\n\n"

    def convert_ndgate(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return f"\n\n{open_mark(str(el['tier']), str(el['teaser']))}\n\n{text.strip()}\n\n{CLOSE}\n\n"

    def convert_ndmarkdown(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return f"\n\n{el.get_text().strip(chr(10))}\n\n"

    def convert_ndnote(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return f"[^{el['label']}]"

    def convert_span(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        is_place = el.get("id") and "_noformat" not in parent_tags
        return f'<span id="{html.escape(str(el["id"]))}"></span>{text}' if is_place else text

    def convert_hN(self, n: int, el: Tag, text: str, parent_tags: set[str]) -> str:
        anchor = typed_anchor(str(el.get("id") or "")).removeprefix(PREFIX)
        is_typed = anchor and anchor.lower() not in heading_forms(el.get_text())
        shown = f"{text.strip()} {{#{anchor}}}" if is_typed and text.strip() and "_inline" not in parent_tags else text
        made: str = super().convert_hN(n, el, shown, parent_tags)  # type: ignore[misc]  # its stubs leave it out
        return made

    def convert_figure(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        image = el.find("img")
        if not isinstance(image, Tag) or parent_tags & {"table", "li", "td"}:
            return text
        anchor = image.find_parent("a")
        shown = (
            f'<img src="{html.escape(str(image.get("src") or ""))}" alt="{html.escape(str(image.get("alt") or ""))}">'
        )
        if isinstance(anchor, Tag) and anchor.get("href"):
            shown = f'<a href="{html.escape(str(anchor["href"]))}">{shown}</a>'
        caption = el.find("figcaption")
        words = _inline(caption) if isinstance(caption, Tag) else ""
        if not words:
            return f"\n\n{self.convert_img(image, '', set())}\n\n" if "<a " not in shown else f"\n\n{shown}\n\n"
        return f"\n\n<figure>\n{shown}\n<figcaption>{words}</figcaption>\n</figure>\n\n"

    def convert_a(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        if el.get("href"):
            el["href"] = _destination(str(el["href"]))
        made: str = super().convert_a(el, text, parent_tags)  # type: ignore[misc]  # its stubs leave it out
        return made

    def convert_img(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        source = _destination(str(el.get("src") or ""))
        alt = re.sub(r"([\[\]\\`*_<])", r"\\\1", _WHITE.sub(" ", str(el.get("alt") or "")).strip())
        title = str(el.get("title") or "").replace('"', "'")
        return f"![{alt}]({source}{f' {chr(34)}{title}{chr(34)}' if title else ''})" if source else alt

    def convert_pre(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        code = el.find("code")
        if not code and el.find(_KEPT_IN_PRE):
            return f"\n\n{_preformatted(el)}\n\n"
        classes = [*(el.get("class") or []), *((code.get("class") or []) if isinstance(code, Tag) else [])]
        language = next(
            (c.removeprefix("language-").removeprefix("lang-") for c in classes if c.startswith("lang")), ""
        )
        for line_break in el.find_all("br"):
            line_break.replace_with("\n")
        content = el.get_text().strip("\n")
        ticks = "`" * max([3, *(len(run) + 1 for run in re.findall(r"`+", content))])
        return f"\n\n{ticks}{re.sub(r'[^A-Za-z0-9_+-]', '', language)}\n{content}\n{ticks}\n\n"

    def convert_table(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        is_plain = not el.select("[colspan], [rowspan], table, caption") and not el.select(
            "td > p + p, td ul, td ol, td pre, th ul"
        )
        if is_plain and not parent_tags & {"li", "blockquote"}:
            made: str = super().convert_table(el, text, parent_tags)  # type: ignore[misc]  # its stubs leave it out
            return made
        for each in [el, *el.find_all(True)]:
            each.attrs = {
                k: v for k, v in each.attrs.items() if k in ("href", "src", "alt", "id", "colspan", "rowspan", "scope")
            }
        return f"\n\n{_one_block(el)}\n\n"

    def convert_sub(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return f"<{el.name}>{text}</{el.name}>" if text.strip() and "_noformat" not in parent_tags else text

    convert_sup = convert_mark = convert_ins = convert_u = convert_sub

    def convert_b(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        made: str = getattr(super(), f"convert_{el.name}")(el, text, parent_tags)
        if made == text or not _is_stuck(el, text):
            return made
        return f"<{el.name}>{text}</{el.name}>"

    convert_strong = convert_em = convert_i = convert_del = convert_s = convert_b

    def convert_cite(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return f"\n\n— {text.strip()}" if "blockquote" in parent_tags and text.strip() else text

    def convert_details(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return f"\n\n{text.strip()}\n\n"

    def convert_summary(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return f"\n\n**{text.strip()}**\n\n" if text.strip() else ""


def _destination(address: str) -> str:
    """Return an address as Markdown writes it."""
    plain = re.sub(r"[\t\r\n]+", "", address).strip().replace("<", "%3C").replace(">", "%3E")
    return f"<{plain}>" if re.search(r"[\s()]", plain) else plain


def _is_stuck(element: Tag, text: str) -> bool:
    """Return True for emphasis whose marks Markdown would not read, between punctuation inside and a letter outside."""
    before, after = (
        beside.get_text() if isinstance(beside, PageElement) else ""
        for beside in (element.previous_sibling, element.next_sibling)
    )
    return (before[-1:].isalnum() and _is_mark(text[:1])) or (after[:1].isalnum() and _is_mark(text[-1:]))


def _is_mark(letter: str) -> bool:
    return bool(letter) and not letter.isalnum() and not letter.isspace()


def _preformatted(element: Tag) -> str:
    """Return a `<pre>` as HTML, with its links and emphasis, which a block of code cannot have."""
    for each in element.find_all(True):
        if each.name in (*_KEPT_IN_PRE, "br") or each.has_attr("id"):
            each.attrs = {name: value for name, value in each.attrs.items() if name in ("href", "src", "alt", "id")}
        else:
            each.unwrap()
    element.attrs = {}
    # A line that begins with colons would be escaped as a directive.
    return str(element).replace(":::", "&#58;::")


def _one_block(element: Tag) -> str:
    """Return HTML without empty lines, which would end it for Markdown."""
    return re.sub(r"\n\s*\n", "\n", str(element))


def _inline(element: Tag) -> str:
    """Return the HTML of a caption with inline elements alone."""
    for each in list(element.find_all(True)):
        if each.name not in ("a", "em", "strong", "i", "b", "code", "sub", "sup", "br"):
            each.unwrap()
        else:
            each.attrs = {k: v for k, v in each.attrs.items() if k == "href"}
    return _WHITE.sub(" ", element.decode_contents()).strip()
