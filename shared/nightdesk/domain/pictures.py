"""Pictures: what is known of an uploaded image, what is derived from it, and the files that readers get.

An original never leaves the private bucket. The images stage inspects it once, by the SHA-256 of its bytes, and derives renditions
in several widths and formats, in which nothing of its metadata is left but credit, copyright and the digital source type. What
pages show is named by the SHA-256 of all renditions together, so a name never stands for other bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from nightdesk.domain.documents import Asset, canonical_json, digest, parse_json
from nightdesk.domain.social_cards import CardOrder

RECIPE = "2"
"""The version of the method by which renditions are made. Increase it whenever the same input would give others: for other widths or
qualities, or another encoder. Gate and render then request all renditions anew, and pages show the present ones until these are there."""
WIDTHS = (320, 480, 720, 1080, 1440, 1920)
"""In pixels: the widths in which articles show pictures. A rendition is never wider than its original.

Each is at most half as large again as the one before, so at most that much is loaded in vain.
"""
AUTHOR_WIDTHS = (96, 192, 384, 640)
"""Likewise for portraits, and for images in biographies."""
CARD_WIDTH = 1080
"""In pixels: the widest files that cards offer to browsers."""
MAIL_WIDTH = 720
"""In pixels: the widest files that mails show, in which pictures are at most 592 pixels wide."""
LARGEST_ORIGINAL = 64 * 1024 * 1024
"""In bytes."""
FALLBACKS = ("jpg", "png", "gif", "svg", "webp")
"""Formats of the `img` element, the first one that there is, for browsers that know none of the others."""
MEDIA_TYPES = {
    "avif": "image/avif",
    "webp": "image/webp",
    "jpg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "svg": "image/svg+xml",
}
PUBLIC_MARK = ".public"
"""Stands before the suffix of a file that every reader may see. The edge takes such a file from the public tier's folder, and lets
any cache keep it."""


STILL = "still."
"""Begins the name of the format of an animation's still, for readers who ask for less motion."""


class Inspection(NamedTuple):
    """What the images stage found in an original.

    Attributes:
        format: such as `jpeg`; empty if the file is refused.
        width: in pixels, after its orientation is applied; likewise `height`.
        colour: its dominant colour, `#rrggbb`.
        source_type: the IPTC digital source type that its metadata names; likewise `credit`, `copyright` and `caption`.
        refusal: why it is not shown, in words for its author; empty if it is.
        recipe: the version of the method (`RECIPE`) that refused it; empty if it is shown.
    """

    format: str = ""
    width: int = 0
    height: int = 0
    colour: str = ""
    caption: str = ""
    credit: str = ""
    copyright: str = ""
    source_type: str = ""
    refusal: str = ""
    recipe: str = ""

    @property
    def is_outdated(self) -> bool:
        """True if another version of the method refused the image. This one, with its limits, may accept it."""
        return bool(self.refusal) and self.recipe != RECIPE

    def to_bytes(self) -> bytes:
        """Return canonical JSON."""
        return canonical_json({name: value for name, value in self._asdict().items() if value or name != "recipe"})

    @classmethod
    def from_bytes(cls, raw: bytes) -> Inspection:
        """Return what `to_bytes` stored."""
        return cls(**parse_json(raw))


class Order(NamedTuple):
    """An order for renditions of an image.

    Attributes:
        key: of the image in the drafts bucket.
        sha256: of its bytes.
        use: `article` or `author`, which decides the widths.
        credit: as the draft gives it; empty for the one that the original names. Likewise `source_type`.
    """

    key: str
    sha256: str
    use: str = "article"
    credit: str = ""
    source_type: str = ""

    @property
    def id(self) -> str:
        """What identifies the renditions: the same for every draft that shows the same bytes with the same credit."""
        return digest(canonical_json([self.sha256, self.use, self.credit, self.source_type]))

    @property
    def widths(self) -> tuple[int, ...]:
        """The widths of the renditions, in pixels."""
        return AUTHOR_WIDTHS if self.use == "author" else WIDTHS


class Rendition(NamedTuple):
    """One file that was derived from an image. `format` is its suffix; `still` marks the still of an animation."""

    format: str
    width: int
    height: int
    sha256: str
    still: bool = False


class Derived(NamedTuple):
    """A rendition with its bytes; `format`, `width`, `height` and `still` as in `Rendition`."""

    format: str
    width: int
    height: int
    still: bool
    body: bytes


class PictureMaker(Protocol):
    """Reads images and derives renditions from them. The same bytes always give the same result.

    Attributes:
        recipe: the version of the method.
    """

    recipe: str

    def inspect(self, data: bytes) -> Inspection:
        """Return what is found in an image.

        Raises:
            Permanent: it cannot be shown; the message says why, in words for its author.
        """

    def derive(self, data: bytes, found: Inspection, order: Order) -> Iterator[Derived]:
        """Yield the renditions for an order, without any metadata but credit, copyright and digital source type.

        Raises:
            Permanent: as for `inspect`.
        """

    def draw_card(self, order: CardOrder, lead: bytes, found: Inspection) -> Derived:
        """Return a social card.

        Args:
            lead: the lead image's original; empty for a card with the headline.
            found: what was found in it.

        Raises:
            Permanent: as for `inspect`, or the card would be empty.
        """


class Derivatives(NamedTuple):
    """What was derived for an order.

    Attributes:
        recipe: the version of the method; renditions of another one are made again.
        refusal: why there are none; empty if there are.
    """

    recipe: str
    width: int = 0
    height: int = 0
    colour: str = ""
    renditions: tuple[Rendition, ...] = ()
    refusal: str = ""

    def to_bytes(self) -> bytes:
        """Return canonical JSON."""
        return canonical_json({**self._asdict(), "renditions": [list(rendition) for rendition in self.renditions]})

    @classmethod
    def from_bytes(cls, raw: bytes) -> Derivatives:
        """Return what `to_bytes` stored."""
        data = parse_json(raw)
        return cls(**{**data, "renditions": tuple(Rendition(*rendition) for rendition in data["renditions"])})

    @property
    def is_outdated(self) -> bool:
        """Whether another version of the method made them."""
        return self.recipe != RECIPE

    def files(self, name: str, public: bool) -> PictureFiles:
        """Return the files under which the site serves the renditions.

        Args:
            name: the first part of their names, such as `harbour`.
            public: whether every reader may see them.
        """
        whole = digest(canonical_json([self.recipe, [each.sha256 for each in self.renditions]]))
        sizes: dict[str, list[tuple[int, int]]] = {}
        for each in self.renditions:
            sizes.setdefault(STILL + each.format if each.still else each.format, []).append((each.width, each.height))
        formats = tuple((name, tuple(sorted(found))) for name, found in sizes.items())
        return PictureFiles(f"{name}.{whole}", public, self.width, self.height, self.colour, formats)


class PictureFiles(NamedTuple):
    """The files of a picture on the site, as pages need to know them.

    Attributes:
        name: what the names of all of them begin with.
        width: of the picture in its original size; likewise `height`.
        formats: each format with the width and height of its files, narrowest first. That of an animation's still begins
            with `STILL`.
    """

    name: str
    public: bool
    width: int
    height: int
    colour: str
    formats: tuple[tuple[str, tuple[tuple[int, int], ...]], ...]

    def file(self, kind: str, width: int) -> str:
        """Return the name of a file. `kind` is the name of a format in `formats`."""
        suffix = kind.removeprefix(STILL)
        return f"{self.name}-{width}{'-still' if suffix != kind else ''}{PUBLIC_MARK if self.public else ''}.{suffix}"

    def sizes(self, kind: str) -> tuple[tuple[int, int], ...]:
        """Return the widths and heights in which there is a format."""
        return dict(self.formats).get(kind, ())

    @property
    def fallback(self) -> str:
        """The format for browsers that know no other; empty if there are no files."""
        known = [name for name, _ in self.formats]
        return next((name for name in FALLBACKS if name in known), "")

    def largest(self) -> tuple[str, int, int]:
        """Return the name, width and height of the largest file in the fallback format."""
        width, height = self.sizes(self.fallback)[-1]
        return self.file(self.fallback, width), width, height

    def up_to(self, width: int) -> PictureFiles:
        """Return the picture without wider files; a format always keeps its narrowest one."""
        kept = [(name, tuple(size for size in sizes if size[0] <= width) or sizes[:1]) for name, sizes in self.formats]
        return self._replace(formats=tuple(kept))

    def for_mail(self) -> PictureFiles | None:
        """Return the picture as the one file that mail programs get; None if it is being prepared, or is a drawing, which few show."""
        kind = self.fallback
        if not kind or kind == "svg":
            return None
        return self._replace(formats=((kind, self.up_to(MAIL_WIDTH).sizes(kind)[-1:]),))

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        return self._asdict()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PictureFiles:
        """Return what `to_json` returned."""
        formats = tuple((name, tuple((w, h) for w, h in sizes)) for name, sizes in data["formats"])
        return cls(**{**data, "formats": formats})


def copies(derivatives: Derivatives, files: PictureFiles) -> list[tuple[str, str]]:
    """Return the name of each of a picture's files, and the SHA-256 of the rendition that it is a copy of."""
    return [
        (files.file(STILL + each.format if each.still else each.format, each.width), each.sha256)
        for each in derivatives.renditions
    ]


def refusal_of_size(size: int, largest: int = LARGEST_ORIGINAL) -> str:
    """Return why an original of `size` bytes is not shown, as the end of a sentence that begins with its name; empty if it is shown."""
    if size <= largest:
        return ""
    megabytes, most = -(-size // 1024**2), largest // 1024**2
    return f"is too large: {megabytes:,} MB, and at most {most:,} MB are accepted; save it smaller"


def stem_of(name: str) -> str:
    """Return the first part of an asset's name, `harbour` of `harbour.<sha256>.jpg`."""
    return name.partition(".")[0]


def article_orders(assets: Iterable[Asset]) -> dict[str, Order]:
    """Return an order for each image of an article, by the name of its asset."""
    return {a.name: Order(a.key, a.sha256, "article", a.credit, a.source_type) for a in assets if a.sha256}


def author_orders(assets: Sequence[Mapping[str, str]]) -> dict[str, Order]:
    """Return an order for each image of an author's profile, by the name of its asset."""
    return {a["name"]: Order(a["key"], a["sha256"], "author") for a in assets if a.get("sha256")}
