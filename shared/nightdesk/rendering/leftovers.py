"""Code of other publishing systems that readers would see: what an import left, or an author brought along."""

from __future__ import annotations

import re
from collections.abc import Iterator

_CODE = re.compile(
    r"""
    \{\{[<%]?-?[^{}\n]{1,300}[%>]?\}\}          # Hugo, Jekyll, Handlebars, Django, Jinja, Vue
    | \{%-?[^{}\n%]{1,300}%\}                   # Liquid, Nunjucks, Twig, Jinja
    | \{\#[^{}\n]{1,300}\#\}                    # comments of Jinja and Twig
    | \{:[ ]?[.\#a-z][^{}\n]{0,300}\}           # attributes of kramdown and Python-Markdown
    | \{[.\#][\w.\#: -]{1,100}(?:=[^{}\n]{0,200})?\}   # attributes of Pandoc
    | <%[-=\#]?[^<>\n]{1,300}%>                 # ERB, EJS
    | <\?(?:php|=)[^<>\n]{0,300}\?>
    | \[/[a-z][\w-]{0,40}\]                     # WordPress: the end of a shortcode
    | \[\[/?[a-z][^\[\]\n]{0,200}\]\]           # wiki links
    | \[(?:caption|gallery|playlist|embed|youtube|vimeo|soundcloud|sourcecode|shortcode|contact-form(?:-7)?|wp_\w{1,40}
        |vc_\w{1,40}|et_pb_\w{1,40}|pullquote|dropcap|nextpage|adsense|accordion|slideshow)(?:[ =:][^\[\]\n]{0,300})?/?\]
    | \[[a-z][\w-]{0,40}(?:[ ][\w-]{1,40}=(?:"[^"\[\]\n]{0,200}"|“[^”\[\]\n]{0,200}”|'[^'\[\]\n]{0,200}'|[^\s"'\[\]]{1,200})){1,20}[ ]?/?\]
    """,
    re.VERBOSE | re.IGNORECASE,
)
_FIRST = re.compile(r"[{\[]|<[%?]")


def template_code(text: str) -> Iterator[str]:
    """Yield the tags and shortcodes of other systems in plain text.

    >>> list(template_code("Before {{< youtube abc >}} and [sic] and {% note %}."))
    ['{{< youtube abc >}}', '{% note %}']
    """
    return (found[0] for found in _CODE.finditer(text)) if _FIRST.search(text) else iter(())


_STARS = re.compile(r"(?<!\*)\*{2,3}(?!\*)")
_SHOWN = 30


def literal_emphasis(text: str) -> str:
    """Return the beginning of the first emphasis that the parser left as it was typed; empty if there is none.

    Two asterisks between letters or digits, as in 2**8, are meant as they are, unless there are others.

    >>> literal_emphasis("The ** new ** rates")
    '** new ** rates'
    >>> literal_emphasis("f**k 2**8"), literal_emphasis("2**8")
    ('**k 2**8', '')
    """
    found = [run.span() for run in _STARS.finditer(text)] if "**" in text else []
    loose = [
        (start, end)
        for start, end in found
        if not (_is_word(text[start - 1 : start]) and _is_word(text[end : end + 1]))
    ]
    start = found[0][0] if len(found) > 1 or loose else -1
    return text[start : start + _SHOWN].split("\n")[0].strip() if start >= 0 else ""


def _is_word(character: str) -> bool:
    return character.isalnum()


_FOOTNOTE = re.compile(r"\[\^([^\[\]\s]{1,100})\]")


def missing_footnotes(text: str) -> Iterator[str]:
    """Yield the labels of references that the parser left as they were typed, because there is no such footnote."""
    return (found[1] for found in _FOOTNOTE.finditer(text)) if "[^" in text else iter(())
