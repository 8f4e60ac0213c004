"""Writes what this version stores and sends, as fixtures for later ones: `cd tests && python -m support.release_fixtures 0.2.0`.

Run it when a release is made. `tests/newsroom/test_last_release.py` reads every folder that it wrote.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from nightdesk.usecases.editors import decisions

from support.default_theme import default_theme
from support.memory_newsroom import NOW, Newsroom
from support.sign_in_harness import SignInHarness

ROOT = Path(__file__).resolve().parents[2]
DERIVED = ("cards/", "derivatives/", "renditions/", "pictures/", "search/", "preview/")
"""What is made again without a loss, so later versions need not read it."""
SLUGS = ("a-story", "after", "later", "taken", "approved")


def newsroom() -> Newsroom:
    """Return a newsroom with one article of each kind, and each decision of editors."""
    room = Newsroom(default_theme())
    room.file("site.yaml", "name: The Tideline\n")
    room.file("authors/ada.md", "---\nname: Ada\n---\nWrites about copper.\n")
    room.file("topics/energy.md", "---\nname: Energy\n---\nPower.\n")
    gate = '::: gate tier=member teaser="What the mine knew."\nhidden-canary\n:::\n'
    room.publish("a-story", "Copper", f"Free words.\n\n{gate}")
    room.publish("renamed", "Old name", slug="before")
    room.publish("renamed", "New name", slug="after")
    room.publish("later", "Later", publish_at=(NOW + timedelta(days=2)).isoformat())
    room.publish("gone", "Gone")
    room.file("drafts/gone.md", None)
    room.file("drafts/broken.md", "---\ntitle: [\n---\n")
    room.publish("taken", "Taken down")
    room.publish("approved", "Approved")
    decisions.correct("a-story", "Copper is spelt with two p’s.", room.ports)
    decisions.withdraw("taken", room.ports)
    decisions.approve("approved", "Grace", "grace@news.example", room.ports)
    room.deliver_emitted()
    room.process_all()
    return room


def items(table: Any) -> list[Mapping[str, Any]]:
    """Return all items of a table in memory."""
    return [item for partition in table._items.values() for item in partition.values()]


def objects(bucket: Any) -> list[dict[str, Any]]:
    """Return the objects of a bucket in memory that no later version can derive."""
    return [
        {"key": key, "body": found.body.decode(), "content_type": found.content_type, "metadata": dict(found.metadata)}
        for key, found in sorted(bucket.outputs.items())
        if not key.startswith(DERIVED)
    ]


def write_fixtures(folder: Path) -> None:
    """Write messages, items and objects, and what a reader of them must find."""
    room, readers = newsroom(), SignInHarness()
    signed_in = readers.sign_in()
    samples = sorted((ROOT / "events").glob("*.json"))
    content = {
        "messages": {path.stem: json.loads(path.read_text("utf-8")) for path in samples},
        "items": {
            "articles": items(room.ports.articles),
            "updates": items(room.ports.updates),
            "memberships": items(readers.table),
        },
        "objects": {"drafts": objects(room.ports.drafts), "private": objects(room.ports.private)},
        "expected": {
            "states": {slug: room.state(slug)["state"] for slug in SLUGS},
            "reader": signed_in.reader.membership.email,
            "renewal": signed_in.reader.renewal,
        },
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in content.items():
        text = json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False)
        (folder / f"{name}.json").write_text(f"{text}\n", "utf-8")


if __name__ == "__main__":
    write_fixtures(ROOT / "tests/fixtures" / f"release-{sys.argv[1]}")
