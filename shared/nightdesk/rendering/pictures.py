"""Pictures as HTML: one `picture` element for all places, with each format that there is, and the space it needs from the start.

The content security policy allows no inline styles. So the colour that fills the space while an image loads, and the part of it
that crops keep, are classes of the theme.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from nightdesk.domain.documents import Document
from nightdesk.domain.pictures import MEDIA_TYPES, STILL, PictureFiles
from nightdesk.domain.views import View, VisiblePart
from nightdesk.rendering.ai_labels import IPTC, with_labels
from nightdesk.rendering.contexts import Picture, PictureSource
from nightdesk.rendering.texts import Catalogue

AI_LABELS = {
    "trainedAlgorithmicMedia": "image.ai_generated",
    "compositeWithTrainedAlgorithmicMedia": "image.partly_ai_generated",
    "compositeSynthetic": "image.partly_ai_generated",
    "algorithmicMedia": "image.software_generated",
    "algorithmicallyEnhanced": "image.software_enhanced",
}
"""IPTC digital source types of images that a machine made or altered, and the key of the label that readers see."""
BODY_SIZES = "(min-width: 46rem) 42rem, 93vw"
"""How wide images in a text are, as the `sizes` attribute says it."""
_IMAGE = re.compile(r'(<p>|<figure>)?<img((?: [a-z-]+="[^"]*")*)>(</p>|</figure>)?')
_FIGURE = "<figure><img "
_ATTRIBUTE = re.compile(r' ([a-z-]+)="([^"]*)"')
_SAID = {"caption": "title", "credit": "data-credit", "source_type": "data-source-type"}
"""The attributes in which a sanitised text says what belongs to an image."""
_DEFAULT_SIZE = (1200, 800)
"""The shape of the space for an image that was not inspected yet."""


def picture_of(text: Catalogue, base: str, files: PictureFiles | None, said: Mapping[str, str]) -> Picture:
    """Return an image with what a page says of it.

    Args:
        base: the path below which the files are.
        files: None or without formats as long as nothing is derived.
        said: `alt`, `caption`, `credit`, `source_type` and `focus`, as far as they are known.
    """
    kind = said.get("source_type", "")
    src, width, height = "", files.width if files else 0, files.height if files else 0
    if files and files.fallback:
        name, width, height = files.largest()
        src = base + name
    return Picture(
        src=src,
        alt=said.get("alt", ""),
        caption=said.get("caption", ""),
        credit=said.get("credit", ""),
        ai_label=text(AI_LABELS[kind]) if kind in AI_LABELS else "",
        source_type=IPTC + kind if kind else "",
        width=width if src else width or _DEFAULT_SIZE[0],
        height=height if src else height or _DEFAULT_SIZE[1],
        sources=_sources(base, files) if files and files.fallback else (),
        classes=" ".join([*_tone(files), *_focus(said.get("focus", ""))]),
    )


def _sources(base: str, files: PictureFiles) -> tuple[PictureSource, ...]:
    """Return the candidates in the order of preference, that of the `img` element last.

    Readers who ask for less motion get an animation's still.
    """

    def source(kind: str, media: str = "") -> PictureSource:
        listed = ", ".join(f"{base}{files.file(kind, width)} {width}w" for width, _ in files.sizes(kind))
        return PictureSource(MEDIA_TYPES[kind.removeprefix(STILL)], listed, media)

    kinds = [name for name, _ in files.formats if name in MEDIA_TYPES and name != files.fallback]
    stills = [name for name, _ in files.formats if name.startswith(STILL)]
    return (
        *(source(kind, "(prefers-reduced-motion: reduce)") for kind in stills),
        *(source(kind) for kind in sorted(kinds, key=list(MEDIA_TYPES).index)),
        source(files.fallback),
    )


def _tone(files: PictureFiles | None) -> list[str]:
    """Return the class of the nearest of 64 colours, such as `t-05a` for #0450a0; none for what may be transparent."""
    colour = files.colour if files and files.fallback in ("", "jpg") else ""
    if not re.fullmatch("#[0-9a-f]{6}", colour):
        return []
    parts = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return ["t-" + "".join("05af"[min(3, (part + 42) // 85)] for part in parts)]


def _focus(focus: str) -> list[str]:
    """Return the classes of the point that crops keep, such as `fx-3 fy-4` for `30% 40%`."""
    found = re.fullmatch(r"(\d{1,3})% (\d{1,3})%", focus)
    return [f"fx-{round(int(found[1]) / 10)}", f"fy-{round(int(found[2]) / 10)}"] if found else []


def picture_html(image: Picture, sizes: str, lead: bool = False, alt: bool = True, **attributes: Any) -> Markup:
    """Return an image as a `picture` element, or the space for one of which nothing is derived yet.

    Args:
        sizes: how wide the page shows it, as in the attribute of that name.
        lead: whether it is the first image that readers see, which browsers should load first. Others load when they come near.
        alt: False where the text beside the image says what it shows.
        attributes: further attributes of the `img` element.
    """
    said = image.alt if alt else ""
    classes = " ".join(["picture", *["tall"] * (image.height > image.width), *image.classes.split()])
    shape = Markup('class="{}"').format(classes)
    if image.width and image.height:  # a drawing may have none
        shape += Markup(' width="{}" height="{}"').format(image.width, image.height)
    if not image.src:
        role = Markup('role="img" aria-label="{}"').format(said) if said else Markup('aria-hidden="true"')
        return Markup('<svg {} viewBox="0 0 {} {}" {}></svg>').format(shape, image.width, image.height, role)
    extra = Markup("").join(
        Markup(' {}="{}"').format(name.replace("_", "-"), value) for name, value in attributes.items() if value
    )
    *others, fallback = image.sources
    when = Markup('fetchpriority="high"') if lead else Markup('loading="lazy" decoding="async"')
    sources = Markup("").join(_source_html(each, sizes) for each in others)
    many = Markup(' srcset="{}" sizes="{}"').format(fallback.srcset, sizes) if ", " in fallback.srcset else Markup("")
    element = Markup('<img src="{}"{} alt="{}" {} {}{}>').format(image.src, many, said, shape, when, extra)
    return Markup("<picture>{}{}</picture>").format(sources, element) if others else element


def _plain_html(image: Picture) -> Markup:
    return Markup('<img src="{}" alt="{}" width="{}" height="{}">').format(
        image.src, image.alt, image.width, image.height
    )


def _source_html(source: PictureSource, sizes: str) -> Markup:
    media = Markup(' media="{}"').format(source.media) if source.media else Markup("")
    return Markup('<source type="{}"{} srcset="{}" sizes="{}">').format(source.type, media, source.srcset, sizes)


class Placer:
    """Puts pictures in the place of the images in a sanitised text.

    Args:
        base: as for `picture_of`.
        files: by the name that an image has in the document; None for one that is not derived yet.
        said: what the files say of themselves, by the same names.
        plain: for feeds, whose readers know no formats, sizes or classes of ours. In place of an image that is being prepared is its
            description.
        others: what else completes a text, such as its embeds and its links to attachments.
    """

    def __init__(
        self,
        text: Catalogue,
        base: str,
        files: Mapping[str, PictureFiles | None],
        said: Mapping[str, Mapping[str, str]],
        plain: bool = False,
        others: Sequence[Callable[[str], str]] = (),
    ) -> None:
        self._plain, self._others = plain, others
        self._text, self._base, self._files, self._said = text, base, files, said

    def view(self, view: View) -> View:
        """Return a view with pictures."""
        parts = tuple(p._replace(html=self.html(p.html)) if isinstance(p, VisiblePart) else p for p in view.parts)
        return view._replace(parts=parts, notes=tuple(self.html(note) for note in view.notes))

    def html(self, html: str) -> str:
        """Return HTML with pictures and the labels of AI's parts.

        The sanitiser wrote it, so attributes are in quotation marks, and escaped.
        """
        for complete in self._others:
            html = complete(html)
        html = with_labels(self._text, html, self._plain)
        return _IMAGE.sub(self._place, html) if "<img" in html else html

    def figures(self, view: View) -> list[Picture]:
        """Return the images of a view that stand in figures of their own, as far as there are files of them."""
        texts = [part.html for part in view.parts if isinstance(part, VisiblePart) and _FIGURE in part.html]
        found = (match for text in texts for match in _IMAGE.finditer(text) if _is_figure(match))
        pictures = (self._picture(_values(match)) for match in found)
        return [picture for picture in pictures if picture and picture.src]

    def _instead(self, found: re.Match[str], alt: str) -> str:
        """Return the description of an image in its place."""
        text = Markup("<span>{}</span>").format(alt) if alt else ""
        if _is_figure(found):
            return f"<p>{text}</p>" if text else ""
        return f"{found[1] or ''}{text}{found[3] or ''}"

    def _element(self, image: Picture, values: Mapping[str, str]) -> Markup:
        lang, direction = values.get("lang"), values.get("dir")
        return picture_html(image, BODY_SIZES, lang=lang, dir=direction, data_source_type=image.source_type)

    def _place(self, found: re.Match[str]) -> str:
        values = _values(found)
        image = self._picture(values)
        if not image or (self._plain and not image.src):
            return self._instead(found, values.get("alt", ""))
        element = _plain_html(image) if self._plain else self._element(image, values)
        caption = caption_html(image)
        if found[1] and found[3]:
            below = f"<figcaption>{caption}</figcaption>" if caption else ""
            return f"<figure>{element}{below}</figure>" if below or _is_figure(found) else f"<p>{element}</p>"
        # Beside text or other images, in lists and in tables there can be no figure, so its caption follows the image in the line.
        behind = f" <small>{caption}</small>" if image.caption or image.credit else f" {caption}" if caption else ""
        return f"{found[1] or ''}{element}{behind}{found[3] or ''}"

    def _picture(self, values: Mapping[str, str]) -> Picture | None:
        """Return the image that an element shows; None for one that was refused meanwhile, or is for readers with a session only.

        What the file says of itself counts where the text is silent.
        """
        name = values.get("src", "").rpartition("/")[2]
        if name not in self._files:
            return None
        typed = {key: values.get(attribute, "") for key, attribute in _SAID.items()}
        said = {**self._said.get(name, {}), **{key: value for key, value in typed.items() if value}}
        return picture_of(self._text, self._base, self._files[name], {**said, "alt": values.get("alt", "")})


def has_figures(document: Document) -> bool:
    """Return True if any image of an article stands in a figure block."""
    return any(_FIGURE in block.html for block in document.blocks)


def _values(found: re.Match[str]) -> dict[str, str]:
    """Return the attributes of an image element."""
    return {name: Markup(value).unescape() for name, value in _ATTRIBUTE.findall(found[2])}


def _is_figure(found: re.Match[str]) -> bool:
    return found[1] == "<figure>" and found[3] == "</figure>"


def caption_html(image: Picture) -> Markup:
    """Return what a figure says below its image: its label, its caption and its credit; empty if there is nothing to say."""
    parts = []
    if image.ai_label:
        parts.append(Markup('<strong class="badge">{}</strong>').format(image.ai_label))
    if image.caption:
        parts.append(Markup.escape(image.caption))
    if image.credit:
        parts.append(Markup('<span class="credit">{}</span>').format(image.credit))
    return Markup(" ").join(parts)
