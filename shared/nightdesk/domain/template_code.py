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
