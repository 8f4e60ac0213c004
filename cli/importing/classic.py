"""The texts of WordPress before they are HTML: shortcodes."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence

from .paywalls import hides_content, is_members_shortcode, is_plain_word
from .report import CHANGED, LOST
from .shortcodes import Note

_SHORTCODE = re.compile(
    r"\[(\[?)(/?)([A-Za-z][\w-]*)((?:\s+(?:[\w-]+=(?:\"[^\"]*\"|'[^']*'|[^\s\]]+)|\"[^\"]*\"|[^\s\]\"'=]+))*)\s*(/?)\](\]?)"
)
_ALONE = frozenset(
    ["gallery", "playlist", "audio", "video", "youtube", "vimeo", "contact-form-7", "contact-form", "toc"]
)
"""Names that are shortcodes even without a parameter."""
_PARAMETER = re.compile(r"(?:([\w-]+)=)?(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'=]+))")


class Shortcodes:
    """Replaces the shortcodes of WordPress by HTML.

    Args:
        attachments: address, alternative text and caption of each attachment, by its number.
        attached: the numbers of those that belong to the post, which a gallery without numbers shows.
    """

    def __init__(
        self, attachments: Mapping[str, tuple[str, str, str]], note: Note, attached: Sequence[str] = ()
    ) -> None:
        self._attachments, self._note, self._attached = attachments, note, attached

    def replace(self, text: str) -> str:
        """Return a text with its shortcodes as HTML."""
        if "[" not in text:
            return text
        text = re.sub(r"\[caption([^\]]*)\](.*?)\[/caption\]", self._caption, text, flags=re.DOTALL)
        text = re.sub(r"\[(?:source)?code([^\]]*)\](.*?)\[/(?:source)?code\]", self._code, text, flags=re.DOTALL)
        text = re.sub(r"\[embed[^\]]*\]\s*(\S+?)\s*\[/embed\]", self._embed, text)
        closed = {found[3].lower() for found in _SHORTCODE.finditer(text) if found[2]}
        return _SHORTCODE.sub(lambda found: self._one(found, closed), text)

    def _caption(self, found: re.Match[str]) -> str:
        image = re.search(r"(<a\b[^>]*>\s*)?<img\b[^>]*>(\s*</a>)?", found[2], re.IGNORECASE)
        if not image:
            return found[2]
        words = found[2][image.end() :].strip() or _parameters(found[1])[0].get("caption", "")
        return f"\n\n<figure>{image[0]}<figcaption>{words}</figcaption></figure>\n\n"

    def _code(self, found: re.Match[str]) -> str:
        values, places = _parameters(found[1])
        language = values.get("language") or values.get("lang") or (places[0] if places else "")
        return f'<pre><code class="language-{html.escape(language)}">{html.escape(html.unescape(found[2]).strip())}</code></pre>'

    def _embed(self, found: re.Match[str]) -> str:
        self._note(CHANGED, "an embedded page became a link", found[1], 0)
        return f'<a href="{html.escape(found[1])}">{html.escape(found[1])}</a>'

    def _one(self, found: re.Match[str], closed: set[str]) -> str:
        name, rest = found[3].lower(), found[4] or ""
        values, places = _parameters(rest)
        if found[1] and found[6]:
            return found[0][1:-1]  # an escaped shortcode
        is_code = name in closed or "=" in rest
        if _hides(found, name, is_code) or (name in closed and hides_content(name)):
            if not found[2]:
                self._note(CHANGED, "a shortcode for members hides everything that follows it", found[0][:160], 0)
            return "" if found[2] else "<!--members-only-->"
        if not is_code and name not in _ALONE:
            return found[0]  # plain words in brackets, such as [sic]
        if found[2]:
            return ""
        if name == "gallery":
            return self._gallery(values)
        address = (
            values.get("src") or values.get("mp4") or values.get("mp3") or values.get("url") or values.get("id") or ""
        )
        if name in ("youtube", "audio", "video", "vimeo", "soundcloud") and not address and places:
            address = places[0].lstrip("=")
        if name == "youtube" and not address.startswith("http"):
            address = f"https://www.youtube.com/watch?v={address}"
        if address.startswith(("http://", "https://", "/")):
            self._note(CHANGED, f"the shortcode “{name}” became a link", found[0][:160], 0)
            return f'<a href="{html.escape(address)}">{html.escape(values.get("title") or address)}</a>'
        kept = "; the text inside stays" if name in closed else ""
        self._note(LOST, f"the shortcode “{name}” has no meaning here, and was taken out{kept}", found[0][:160], 0)
        return ""

    def _gallery(self, values: Mapping[str, str]) -> str:
        figures = []
        named = values.get("ids") or values.get("include") or ""
        for identifier in re.split(r"[\s,]+", named) if named else self._attached:
            if identifier in self._attachments:
                address, alt, caption = self._attachments[identifier]
                shown = f'<img src="{html.escape(address)}" alt="{html.escape(alt)}">'
                figures.append(
                    f"<figure>{shown}<figcaption>{html.escape(caption)}</figcaption></figure>"
                    if caption
                    else f"<p>{shown}</p>"
                )
            elif identifier:
                self._note(LOST, "an image of a gallery is not in the export", identifier, 0)
        if not figures:
            self._note(LOST, "a gallery names no images, and was taken out", "", 0)
        return "\n\n".join(["", *figures, ""])


def _hides(found: re.Match[str], name: str, is_code: bool) -> bool:
    """Return True for a shortcode that hides what follows it: a plain word in brackets only if it does not stand amid a line."""
    if not is_members_shortcode(name):
        return False
    before = found.string[max(0, found.start() - 200) : found.start()].rstrip(" \t")
    after = found.string[found.end() : found.end() + 200].lstrip(" \t")
    edges = (not before or before[-1] in "\n>") + (not after or after[0] in "\n<")
    return is_code or not is_plain_word(name) or edges == 2 or (edges == 1 and not found[4])


def _parameters(text: str) -> tuple[dict[str, str], list[str]]:
    values, places = {}, []
    for name, double, single, bare in _PARAMETER.findall(text):
        if name:
            values[name.lower()] = double or single or bare
        else:
            places.append(double or single or bare)
    return values, places
