"""Check: what the pipeline would say of a file, without publishing it."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from nightdesk.domain.drafts import classify
from nightdesk.domain.errors import Permanent, Problem, Rejected
from nightdesk.domain.site import Site
from nightdesk.domain.text import slug_of_filename, slugify
from nightdesk.domain.update_file import parse_update_file

from . import catalogue
from .ports import Ports
from .render import held_by_another, read_draft, read_profile
from .status import without_profile
from .stored import load_site


class Checked(NamedTuple):
    """What is wrong with a file, and what its author should know: line, key and message of each. `slug` is the one that it
    would have."""

    slug: str
    problems: tuple[dict[str, Any], ...]
    warnings: tuple[dict[str, Any], ...]


class _Everything:
    """Contains whatever it is asked for."""

    def __contains__(self, _: object) -> bool:
        return True


EVERYTHING: Container[str] = _Everything()


def check(
    key: str,
    raw: bytes,
    site: Site,
    profiles: Container[str],
    images: Iterable[str],
    now: datetime,
    holder: Callable[[str], str] = lambda _: "",
) -> Checked:
    """Check a draft, a profile, a standing page, an update or the settings.

    Args:
        key: in the drafts bucket.
        profiles: keys of the profiles that there are, `authors/<id>.json` and `topics/<id>.json`.
        images: keys of the images beside the file.
        holder: the key of the draft that holds a slug, empty where none does.

    Raises:
        Permanent: nothing of ours is at such a key.
    """
    filed = classify(key)
    if filed is None:
        raise Permanent(f"“{key[:100]}” is no draft, profile, page, update or site.yaml")
    beside = [(image, "") for image in images]
    if filed.kind != "draft":
        try:
            told = (
                parse_update_file(raw, site, now)[2] if filed.kind == "update" else read_profile(raw, filed, beside)[1]
            )
        except Rejected as error:
            return Checked(slugify(filed.name), _told(error.problems), ())
        return Checked(slugify(filed.name), (), _told(told))
    try:
        document, told = read_draft(raw, filed, site, profiles, beside, lambda: ())
        held = holder(document.slug)
        if held not in ("", key):
            raise Rejected(held_by_another(document.slug, held))
    except Rejected as error:
        return Checked(slug_of_filename(filed.name), _told(error.problems), ())
    plain = without_profile(document, lambda name: name in profiles)
    return Checked(document.slug, (), (*_told(told), *plain))


def _told(problems: Iterable[Problem]) -> tuple[dict[str, Any], ...]:
    return tuple(catalogue.told(list(problems)))


def check_against_site(key: str, raw: bytes, images: Iterable[str], ports: Ports) -> Checked:
    """The same in the light of what the site has: its settings, its profiles, the slugs that are taken, and the images that
    lie beside the draft already."""
    filed = classify(key)
    there = [name for name, _ in ports.drafts.list(filed.folder)] if filed and filed.folder else []
    profiles = {name for folder in ("authors/", "topics/") for name, _ in ports.work.list(folder)}

    def holder(slug: str) -> str:
        held = catalogue.holder(ports.articles, slug)
        return str(held["holder"]) if held else ""

    folder = filed.folder if filed else ""
    named = [f"{folder}{image}" for image in images] if folder else []
    return check(key, raw, load_site(ports), profiles, [*there, *named], ports.clock(), holder)
