"""The elements of HTML, by how a text's sanitiser treats them."""

from __future__ import annotations

TAGS = frozenset(
    [
        "a",
        "abbr",
        "b",
        "bdi",
        "bdo",
        "blockquote",
        "br",
        "caption",
        "cite",
        "code",
        "col",
        "colgroup",
        "dd",
        "del",
        "details",
        "dfn",
        "div",
        "dl",
        "dt",
        "em",
        "figcaption",
        "figure",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "img",
        "ins",
        "kbd",
        "li",
        "mark",
        "ol",
        "p",
        "pre",
        "q",
        "rp",
        "rt",
        "ruby",
        "s",
        "samp",
        "small",
        "span",
        "strong",
        "sub",
        "summary",
        "sup",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "time",
        "tr",
        "u",
        "ul",
        "var",
        "wbr",
    ]
)
ATTRIBUTES = {
    "*": ("dir", "id", "lang", "title"),
    "a": ("href", "title", "data-embed"),
    "abbr": ("title",),
    "img": ("src", "alt", "title", "width", "height", "loading", "decoding", "data-credit", "data-source-type"),
    "ol": ("start", "reversed"),
    "td": ("colspan", "rowspan"),
    "th": ("colspan", "rowspan", "scope"),
    "time": ("datetime",),
    "code": ("class",),
    "del": ("datetime",),
    "ins": ("datetime",),
}
"""The attributes of each element, and of every element."""
OWN_ATTRIBUTES = {
    "span": ("class",),
    "div": ("data-source-type", "data-note"),
    "td": ("class", *ATTRIBUTES["td"]),
    "th": ("class", *ATTRIBUTES["th"]),
}
"""The attributes of what code in colours, parts of AI's and aligned cells are made of. No author can write those that are not above."""
PLAIN = frozenset(
    [
        "acronym",
        "address",
        "article",
        "aside",
        "basefont",
        "big",
        "blink",
        "body",
        "center",
        "data",
        "dialog",
        "dir",
        "fieldset",
        "font",
        "footer",
        "head",
        "header",
        "hgroup",
        "html",
        "label",
        "legend",
        "optgroup",
        "option",
        "listing",
        "main",
        "marquee",
        "menu",
        "nav",
        "nobr",
        "noembed",
        "noframes",
        "noscript",
        "output",
        "picture",
        "plaintext",
        "rb",
        "rtc",
        "search",
        "section",
        "slot",
        "strike",
        "tt",
        "xmp",
        "source",
        "track",
        "param",
    ]
)
"""Elements that say no more than their text; what they contain is read like any other text."""
EMBEDS = frozenset(["iframe", "object", "embed", "video", "audio", "frame", "applet", "form", "portal"])
ADDRESSES = ("src", "data", "href", "action", "data-src")
DROPPED = frozenset(
    ["script", "style", "svg", "math", "template", "canvas", "object", "video", "audio", "iframe", "applet"]
)
"""Elements whose content makes no sense without them."""
VOID = frozenset(["br", "col", "hr", "img", "wbr"])
OPTIONAL_END = frozenset(["p", "li", "dd", "dt", "td", "th", "tr", "rt", "rp", *VOID])
FORMATTING = frozenset(["a", "b", "code", "em", "i", "s", "small", "strong", "u"])
"""Elements that a browser opens again in every paragraph until they are closed."""
BLOCKS = frozenset(["p", "div", "li", "td", "th", "blockquote", "table", "tr", "ul", "ol", "dl", "dd", "dt", "pre"])
HEADINGS = frozenset(["h1", "h2", "h3", "h4", "h5", "h6"])
