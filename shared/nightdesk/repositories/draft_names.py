"""Items of the Articles table for links by the names of drafts' files: which slugs the names stand for, and which files link by them."""

from __future__ import annotations

from collections.abc import Sequence

from nightdesk.ports import ANY, Change, Table


def name_change(default: str, key: str, slug: str) -> Change:
    """Return the change that lists a draft under its name as having another slug, or not (empty).

    Args:
        default: the slug that the name gives.
    """
    return Change(f"named#{default}", key, {"slug": slug} if slug else None, ANY)


def named(table: Table, default: str) -> list[tuple[str, str]]:
    """Return key and slug of each draft that has another slug than its name gives, by the latter."""
    return [(item["sk"], item["slug"]) for item in table.query(f"named#{default}")]


def linking_change(default: str, key: str, links: Sequence[Sequence[str]]) -> Change:
    """Return the change that lists a file as linking by names that give a slug, with where each leads; or not."""
    return Change(f"linking#{default}", key, {"links": [list(each) for each in links]} if links else None, ANY)


def linking(table: Table, default: str) -> list[tuple[str, list[list[str]]]]:
    """Return the key of each file that links by names which give a slug, with the names and where they lead."""
    return [(item["sk"], item["links"]) for item in table.query(f"linking#{default}")]
