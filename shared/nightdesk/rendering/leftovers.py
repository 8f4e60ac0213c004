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
    | </?[a-z][\w-]{0,30}:[a-z][\w-]{0,30}[^<>\n]{0,200}>   # elements of Word and of other XML
    | (?<![\d%])%%[^%\n]{1,300}%%(?!\d) | ^%%$                           # comments of Obsidian
    | \{(?:>>[^{}\n]{1,300}<<|\+\+[^{}\n]{1,300}\+\+|--[^{}\n]{1,300}--|~~[^{}\n]{1,300}~~|==[^{}\n]{1,300}==)\}   # CriticMarkup
    | \^\[[^\[\]\n]{1,300}\]                     # footnotes of Pandoc
    | \{/\*[^{}\n]{0,300}\*/\}                    # comments of MDX
    | (?<![=\w])==[^=\s][^=\n]{0,200}==(?!=)    # marked text of Obsidian and others
    | \$\$[^$\s][^$\n]{0,300}\$\$                       # formulas
    | ^!!![ ]?[a-z]{3,20}\b.{0,100}             # admonitions of MkDocs
    | ^\[(?:!(?:note|tip|important|warning|caution|info|quote)\].{0,100}|toc\])   # of GitHub and Obsidian
    | ^\[[ x]\](?=[ ])                          # boxes of task lists
    | (?<![\w:]):[a-z][a-z+-]{0,20}(?:_[a-z_]{1,30})?:(?![\w:])   # emoji
    | \[/[a-z][\w-]{0,40}\]                     # WordPress: the end of a shortcode
    | \[\[/?[a-z][^\[\]\n]{0,200}\]\]           # wiki links
    | \[(?:caption|gallery|playlist|embed|youtube|vimeo|soundcloud|sourcecode|shortcode|contact-form(?:-7)?|wp_\w{1,40}
        |vc_\w{1,40}|et_pb_\w{1,40}|pullquote|dropcap|nextpage|adsense|accordion|slideshow)(?:[ =:][^\[\]\n]{0,300})?/?\]
    | \[[a-z][\w-]{0,40}(?:[ ][\w-]{1,40}=(?:"[^"\[\]\n]{0,200}"|“[^”\[\]\n]{0,200}”|'[^'\[\]\n]{0,200}'|[^\s"'\[\]]{1,200})){1,20}[ ]?/?\]
    """,
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)
_FIRST = re.compile(r"[{\[]|<[%?/a-z]|%%|==|\$\$|!!!|:[a-z]", re.IGNORECASE)


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


_LINK = re.compile(r"!?\[(?![\d.,+*-]+\])[^\[\]\n]{0,200}\](?:\([^()\n]{1,300}\)|\[[^\[\]^\n]{1,100}\])")


def literal_links(text: str) -> Iterator[str]:
    """Yield the links and images that the parser left as they were typed, by their beginning.

    >>> list(literal_links("See [the map](my map.png), [sic] and [the plan][b]."))
    ['[the map](my map.png)', '[the plan][b]']
    """
    return (found[0][:100] for found in _LINK.finditer(text)) if "](" in text or "][" in text else iter(())


_ELEMENT = re.compile(
    r"</?(?:a|abbr|b|blockquote|br|center|code|div|em|font|h[1-6]|hr|i|iframe|img|li|ol|p|pre|s|small|span|strong|su[bp]|table|t[dhr]|u|ul|video)\b[^<>\n]{0,200}>",
    re.IGNORECASE,
)


def literal_tags(text: str) -> Iterator[str]:
    """Yield the tags of HTML that the parser left as they were typed, such as one with a quotation mark in a bare value."""
    return (found[0][:100] for found in _ELEMENT.finditer(text)) if "<" in text else iter(())


_FOOTNOTE = re.compile(r"\[\^([^\[\]\s]{1,100})\]")


def missing_footnotes(text: str) -> Iterator[str]:
    """Yield the labels of references that the parser left as they were typed, because there is no such footnote."""
    return (found[1] for found in _FOOTNOTE.finditer(text)) if "[^" in text else iter(())
