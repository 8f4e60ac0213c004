"""Reading a file below `updates/`."""

from __future__ import annotations

from datetime import datetime

from .errors import Problem, Rejected
from .frontmatter import Reader, decode, split
from .moments import parse_moment
from .site import Site
from .updates import Wish, parse_wish

_SYNONYMS = {
    "headline": ("headline", "title"),
    "summary": ("summary", "dek", "description"),
    "url": ("link", "url"),
    "topic": ("topic",),
    "weight": ("weight",),
    "expires": ("expires", "expiryDate", "expirydate"),
}


def parse_update_file(raw: bytes, site: Site, put: datetime) -> tuple[Wish, datetime | None, tuple[Problem, ...]]:
    """A file below `updates/`: its wish, the date that it names, and warnings of unknown keys.

    Args:
        put: when this version of the file was put. An expiry must be after that, whenever the file is looked at.

    Raises:
        Rejected: with the line and the key of each problem.
    """
    source = split(decode(raw))
    problems: list[Problem] = []
    keys = Reader(source.matter, problems)
    values = {name: keys.text(*names, limit=10_000) for name, names in _SYNONYMS.items()}
    places = {name: found for name, names in _SYNONYMS.items() if (found := keys.find(*names))}
    body = source.body.split()
    for number, line in enumerate(source.body.split("\n"), source.body_line):
        if line.startswith(":::"):
            problems.append(Problem(number, "gate", "gates stand in articles only; an update is public as a whole"))
    values["summary"] = values["summary"] or " ".join(body)
    published = _date(keys, site, put)
    wish = None
    try:
        wish = parse_wish(values, put, site.zone, site.base_url)
    except Rejected as error:
        for problem in error.problems:
            if problem.key in places:
                key, node = places[problem.key]
                problems.append(Problem(node.line, key, problem.message))
            else:
                where = source.body_line if problem.key == "summary" else 1
                problems.append(Problem(where, problem.key, problem.message))
    if problems or wish is None:
        raise Rejected(*sorted(dict.fromkeys(problems), key=lambda p: p.line))
    warnings = tuple(Problem(n.line, k, "is not a key that is known here") for k, n in keys.unread().items())
    return wish, published, warnings


def _date(keys: Reader, site: Site, put: datetime) -> datetime | None:
    text = keys.text("date", "published")
    if not text:
        return None
    name, node = keys.find("date", "published") or ("", None)
    assert node  # it was just read
    try:
        moment = parse_moment(text, site.zone)
    except ValueError as error:
        keys.problem(node, name, str(error))
        return None
    if moment > put:
        keys.problem(node, name, "is in the future; an update is posted at once")
    return moment
