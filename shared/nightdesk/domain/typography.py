"""Typography: quotation marks, apostrophes, dashes and ellipses as they are printed, by the language of a text.

Authors type `"`, `'`, `--`, `---` and `...`. Where one of them stands for a printed character is found in two steps. In Markdown the
parser says which characters are text, rather than code, addresses or HTML (`rendering.markdown`), and marks take their place; in plain
text all of them are. Then each mark becomes what the language prints there, by the characters around it (the rule of markdown-it's
“smartquotes”, with the exceptions that newsrooms meet). What an author typed as printed stays as it is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, NamedTuple

from nightdesk.domain.html_tokens import COMMENT, END, START, TEXT, tokens

DOUBLE, SINGLE, EN_DASH, EM_DASH, ELLIPSIS = MARKS = "\ue003\ue004\ue005\ue006\ue007"
"""Stand for a character that was typed, until the text is set. No author can write them (`rendering.markdown`)."""
_STRAIGHT = {DOUBLE: '"', SINGLE: "'", EN_DASH: "--", EM_DASH: "---", ELLIPSIS: "..."}
_PRINTED = {EN_DASH: "–", EM_DASH: "—", ELLIPSIS: "…"}
_UNPRINTED = str.maketrans(
    {**_STRAIGHT, **dict.fromkeys("“”„«»", '"'), **dict.fromkeys("‘’‚‹›", "'"), "–": "--", "—": "---", "…": "..."}
)
_TO_STRAIGHT = str.maketrans(_STRAIGHT)
_MARKED = re.compile(f"[{MARKS}]")
_TYPED = re.compile(r"(?<!-)---?(?!-)|(?<!\.)\.\.\.(?!\.)|[\"']")
_ADDRESS = re.compile(r"(?:https?://|mailto:|www\.)[^\s\ue003]*[^\s\ue003\ue004\ue007]", re.IGNORECASE)
_NOTE = re.compile("(\ue000n:[^\ue001]*\ue001)")
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3130-\u318f"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Letters of scripts without spaces between words, and of Korean, whose particles follow a quotation without a space."""
_LANGUAGES_WITHOUT_SPACES = frozenset(("zh", "yue", "ja", "ko", "th", "lo", "my", "km"))
_ABBREVIATED = re.compile(r"\d\ds?(?![^\W_])")
"""A year without its century, as in the '90s."""
_ELIDED = {
    "en": re.compile(r"(?:tis|twas|twere|twill|til|em|n|cause|bout|round)(?![^\W_])", re.IGNORECASE),
    "nl": re.compile(r"[stnkmr](?![^\W_])", re.IGNORECASE),
    "af": re.compile(r"n(?![^\W_])", re.IGNORECASE),
}
"""Words that begin with an apostrophe."""
_INLINE = frozenset(
    [
        "a",
        "abbr",
        "b",
        "bdi",
        "bdo",
        "cite",
        "code",
        "del",
        "dfn",
        "em",
        "i",
        "img",
        "ins",
        "kbd",
        "mark",
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
        "sup",
        "time",
        "u",
        "var",
        "wbr",
    ]
)


class _Piece(NamedTuple):
    """A part of HTML: what is `kept` as it is, and how many characters of its text are `skipped` and `taken` after it."""

    kept: str
    skipped: int
    taken: int


class Quotes(NamedTuple):
    """The quotation marks of a language: the outer pair, and the pair inside it."""

    opening: str
    closing: str
    inner_opening: str
    inner_closing: str


_ENGLISH = Quotes("“", "”", "‘", "’")
_GERMAN = Quotes("„", "“", "‚", "‘")
_LOW_HIGH = Quotes("„", "”", "‚", "’")
_LOW_ANGLES = Quotes("„", "”", "«", "»")
_FRENCH = Quotes("«\u00a0", "\u00a0»", "“", "”")
_ANGLES = Quotes("«", "»", "“", "”")
_ANGLES_LOW = Quotes("«", "»", "„", "“")
_SWISS = Quotes("«", "»", "‹", "›")
_RIGHT = Quotes("”", "”", "’", "’")
_CORNERS = Quotes("「", "」", "『", "』")
_QUOTES = {
    **dict.fromkeys(("de", "bg", "cs", "sk", "sl", "lt", "is", "mk", "lb", "hsb", "dsb"), _GERMAN),
    **dict.fromkeys(("de-ch", "de-li", "it-ch", "fr-ch", "rm", "fa", "prs"), _SWISS),
    "fr": _FRENCH,
    **dict.fromkeys(("es", "it", "ca", "gl", "pt-pt", "el", "sq", "ast", "eu"), _ANGLES),
    **dict.fromkeys(("no", "nb", "nn"), Quotes("«", "»", "‘", "’")),
    **dict.fromkeys(("ru", "uk", "be", "kk", "ky"), _ANGLES_LOW),
    "hy": Quotes("«", "»", "«", "»"),
    **dict.fromkeys(("pl", "ro"), _LOW_ANGLES),
    "hu": Quotes("„", "”", "»", "«"),
    **dict.fromkeys(("hr", "bs", "sr", "sh", "et", "ka"), _LOW_HIGH),
    **dict.fromkeys(("sv", "fi", "da", "he", "se"), _RIGHT),
    "ar": Quotes("”", "“", "’", "‘"),
    **dict.fromkeys(("ja", "zh-tw", "zh-hk", "zh-mo", "zh-hant"), _CORNERS),
}  # fmt: skip
"""By the language, or the language and its region or script (Unicode CLDR, with the newsrooms' usage where that differs)."""


def quotes_of(language: str) -> Quotes:
    """Return the quotation marks of a language tag; those of English for a language that has the same or is not known.

    >>> "".join(quotes_of("de-AT")), "".join(quotes_of("de-CH"))
    ('„“‚‘', '«»‹›')
    """
    primary, *others = language.lower().replace("_", "-").split("-")
    keys = [f"{primary}-{each}" for each in others] + [primary]
    return next((_QUOTES[key] for key in keys if key in _QUOTES), _ENGLISH)


def straight(text: str) -> str:
    """Return text as it would be typed: without marks of ours, and with straight quotation marks, hyphens and periods."""
    return text.translate(_UNPRINTED)


class Typography:
    """Sets texts of one language; without a language, texts stay as they were typed."""

    def __init__(self, language: str = "") -> None:
        self.language = language
        self._quotes = quotes_of(language)
        primary = language.lower().partition("-")[0]
        self._elided = _ELIDED.get(primary)
        self._has_no_spaces = primary in _LANGUAGES_WITHOUT_SPACES

    def __bool__(self) -> bool:
        return bool(self.language)

    def plain(self, text: str) -> str:
        """Return a plain text, such as a headline, as it is printed. Setting it twice changes nothing more."""
        if not self.language or not _TYPED.search(text):
            return text
        return self.marked(_TYPED.sub(lambda found: _MARK_OF[found[0]], text))

    def values(self, data: Mapping[str, Any], *names: str) -> dict[str, Any]:
        """Return a mapping in which the plain texts of some names are set."""
        return {name: self.plain(value) if name in names else value for name, value in data.items()}

    def marked(self, text: str) -> str:
        """Return a plain text with what is printed in the place of its marks."""
        if not _MARKED.search(text):
            return text
        return _put(text, self._printed(text)) if self.language else text.translate(_TO_STRAIGHT)

    def html(self, html: str) -> str:
        """Return HTML with what is printed in the place of its marks. Quotes are paired within a paragraph, also across its tags."""
        if not _MARKED.search(html):
            return html
        if not self.language:
            return html.translate(_TO_STRAIGHT)
        read: list[str] = []
        pieces: list[_Piece] = []
        for token in tokens(html):
            part = html[token.start : token.end]
            if token.kind == TEXT:
                for number, text in enumerate(_NOTE.split(part)):
                    read.append("" if number % 2 else text)
                    pieces.append(_Piece(text, 0, 0) if number % 2 else _Piece("", 0, len(text)))
                continue
            ends = token.kind != COMMENT and not (token.kind in (START, END) and token.name in _INLINE)
            between = "\n" if token.name == "br" else "\n\n" if ends else ""
            read.append(between)
            pieces.append(_Piece(part, len(between), 0))
        whole = "".join(read)
        return _rejoin(whole, self._printed(whole), pieces)

    def _printed(self, text: str) -> dict[int, str]:
        """Return what is printed in the place of each mark of a text, by the mark's place."""
        printed = {found.start(): found[0] for found in _MARKED.finditer(text)}
        for found in _ADDRESS.finditer(text):
            for mark in _MARKED.finditer(text, found.start(), found.end()):
                printed[mark.start()] = _STRAIGHT[mark[0]]
        for start, end in _paragraphs(text):
            self._paragraph(text, printed, start, end)
        return printed

    def _paragraph(self, text: str, printed: dict[int, str], start: int, end: int) -> None:
        opened: list[tuple[str, int]] = []
        count = dict.fromkeys((DOUBLE, SINGLE), 0)
        for found in _MARKED.finditer(text, start, end):
            place, mark = found.start(), found[0]
            if printed[place] != mark:
                continue  # in an address
            if mark in _PRINTED:
                printed[place] = _PRINTED[mark]
                continue
            before = text[place - 1] if place > start else " "
            after = text[place + 1] if place + 1 < end else " "
            opens, closes = self._directions(mark, before, after, bool(count[mark]))
            if mark == SINGLE and self._is_apostrophe(text, place, before):
                printed[place] = "’"
                continue
            if closes and count[mark]:
                while opened[-1][0] != mark:
                    count[opened[-1][0]] -= 1
                    self._leave(printed, *opened.pop())
                count[mark] -= 1
                self._pair(printed, opened.pop()[1], place, inner=(mark == SINGLE) != bool(count[mark] % 2))
            elif opens:
                count[mark] += 1
                opened.append((mark, place))
            elif mark == SINGLE:
                printed[place] = "'" if before.isdigit() and not closes else "’"
            else:
                printed[place] = self._quotes.closing if closes and not before.isdigit() else '"'
        for kind, place in opened:
            self._leave(printed, kind, place)

    def _is_apostrophe(self, text: str, place: int, before: str) -> bool:
        """Return True if a straight apostrophe begins a word that lost its beginning, as in the '90s or 'tis."""
        if before.isalnum():
            return False
        rest = text[place + 1 : place + 12]
        return bool(_ABBREVIATED.match(rest) or (self._elided and self._elided.match(rest)))

    def _directions(self, mark: str, before: str, after: str, is_open: bool) -> tuple[bool, bool]:
        """Return whether a quotation mark between two characters may open, and whether it may close.

        Args:
            is_open: whether a mark of this kind is open.
        """
        if self._is_without_spaces(mark, before, after):
            if is_open:
                return False, True
            if not before.isdigit() and unicodedata.category(after) not in ("Pe", "Pf", "Po"):
                return True, False
        return _sides(before, after)

    def _is_without_spaces(self, mark: str, before: str, after: str) -> bool:
        """Return True if no space tells an opening mark from a closing one, so only their order can."""
        if before.isspace() or after.isspace():
            return False
        beside = bool(_UNSPACED.match(before) or _UNSPACED.match(after))
        return beside or (self._has_no_spaces and mark == DOUBLE and before.isalnum() and after.isalnum())

    def _pair(self, printed: dict[int, str], opening: int, closing: int, inner: bool) -> None:
        quotes = self._quotes
        printed[opening] = quotes.inner_opening if inner else quotes.opening
        printed[closing] = quotes.inner_closing if inner else quotes.closing

    def _leave(self, printed: dict[int, str], kind: str, place: int) -> None:
        """Print a quotation mark that is never closed: a quote over several paragraphs opens each of them again."""
        printed[place] = "’" if kind == SINGLE else self._quotes.opening


AS_TYPED = Typography()
_MARK_OF = {typed: mark for mark, typed in _STRAIGHT.items()}


def _paragraphs(text: str) -> list[tuple[int, int]]:
    """Return the parts of a text in which quotes are paired."""
    ends = [found.start() for found in re.finditer(r"\n{2,}|\Z", text)]
    return list(zip([0, *ends], ends, strict=False))


def _sides(before: str, after: str) -> tuple[bool, bool]:
    """Return whether a quotation mark between two characters may open, and whether it may close."""
    white_before, white_after = before.isspace(), after.isspace()
    sign_before, sign_after = _is_sign(before), _is_sign(after)
    opens = not white_after and not (sign_after and not (white_before or sign_before))
    closes = not white_before and not (sign_before and not (white_after or sign_after))
    if opens and closes:
        return sign_before, sign_after
    return opens, closes


def _is_sign(character: str) -> bool:
    return character in MARKS or unicodedata.category(character)[0] in "PS"


def _put(text: str, printed: Mapping[int, str]) -> str:
    """Return a text with what is printed in the place of its marks."""
    out: list[str] = []
    done = 0
    for place, shown in printed.items():
        out += (text[done:place], shown)
        done = place + 1
    return "".join(out) + text[done:]


def _rejoin(text: str, printed: Mapping[int, str], pieces: list[_Piece]) -> str:
    """Return HTML of its pieces and of its text, with what is printed in the place of the text's marks."""
    out: list[str] = []
    marks = iter([*printed.items(), (len(text), "")])
    mark, shown = next(marks)
    place = 0
    for kept, skipped, taken in pieces:
        place += skipped
        out.append(kept)
        end = place + taken
        while mark < end:
            out += (text[place:mark], shown)
            place = mark + 1
            mark, shown = next(marks)
        out.append(text[place:end])
        place = end
    return "".join(out)
