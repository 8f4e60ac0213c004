"""The one Jinja environment: strict, escaping, and quick to start."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from jinja2 import BaseLoader, Environment, FileSystemBytecodeCache, FileSystemLoader, ModuleLoader, StrictUndefined

ASSETS = "static"
TEMPLATES = "templates"
COMPILED = "compiled"
PAGES = "pages"
ROOT = "root"
READER_BLOCKS = {"toc": "toc", "body": "body", "notes": "footnotes", "sources": "sources"}
"""The blocks of an article that depend on who reads it, and the one attribute of the page that each shows.

`shell.html` has a comment, `<!--~toc-->`, in place of each. No text can forge one: what is escaped has no `<`, and the sanitiser leaves no comments.
"""
_MARKS = re.compile(f"<!--~({'|'.join(READER_BLOCKS)})-->")


def make_environment(loader: BaseLoader) -> Environment:
    """An environment that escapes everything and fails on an unknown name rather than printing nothing."""
    return Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def compile_templates(theme: Path) -> None:
    """Compile `theme/templates` into Python modules in `theme/compiled`, so that a cold function need not parse them."""
    environment = make_environment(FileSystemLoader(theme / TEMPLATES))
    environment.compile_templates(str(theme / COMPILED), zip=None, ignore_errors=False)


class Theme:
    """A newsroom's templates and files, as found in a directory.

    Args:
        directory: holds `templates/`, `static/`, `pages/` (what standing pages say by default), perhaps `root/` (files that the
            site has at its root as they are) and, in a built layer, `compiled/`.
        cache: where templates that are not compiled yet leave their bytecode for the next process; nowhere without.
    """

    def __init__(self, directory: Path, cache: Path | None = None) -> None:
        compiled = directory / COMPILED
        loader = ModuleLoader(str(compiled)) if compiled.is_dir() else FileSystemLoader(directory / TEMPLATES)
        self._environment = make_environment(loader)
        if cache:
            cache.mkdir(parents=True, exist_ok=True)
            self._environment.bytecode_cache = FileSystemBytecodeCache(str(cache))
        self.assets = _assets(directory / ASSETS)
        self._environment.globals["asset"] = self._asset_url
        self.pages = {path.stem: path.read_bytes() for path in sorted((directory / PAGES).glob("*.md"))}
        self.root = {path.name: path.read_bytes() for path in sorted((directory / ROOT).glob("*"))}

    def _asset_url(self, name: str) -> str:
        return "/" + self.assets[name][0]

    def render(self, template: str, context: object) -> str:
        """The text of `template` for `context`, which the template knows as `page`."""
        return self._environment.get_template(template).render(page=context)

    def render_each(self, template: str, shell: str, contexts: Sequence[object]) -> list[str]:
        """`template` for each of several contexts that differ only in what `READER_BLOCKS` show.

        The rest of the page, `shell`, is rendered once, from the first context.
        """
        whole = _MARKS.split(self.render(shell, contexts[0]))
        if len(whole) != 2 * len(READER_BLOCKS) + 1:
            raise ValueError(f"{shell} must show each of {', '.join(READER_BLOCKS)} once")
        article = self._environment.get_template(template)
        made: dict[tuple[str, object], str] = {}
        texts = []
        for context in contexts:
            scope = article.new_context({"page": context})
            parts = list(whole)
            for place in range(1, len(parts), 2):
                block = parts[place]
                shown = block, getattr(context, READER_BLOCKS[block])
                if shown not in made:
                    made[shown] = "".join(article.blocks[block](scope))
                parts[place] = made[shown]
            texts.append("".join(parts))
        return texts


@cache
def _assets(directory: Path) -> Mapping[str, tuple[str, bytes]]:
    """Name in the theme -> (key on the site, bytes). The key holds the digest, so a file may be cached for ever."""
    found = {}
    for path in sorted(p for p in directory.rglob("*") if p.is_file()):
        body = path.read_bytes()
        name = path.relative_to(directory).as_posix()
        found[name] = (f"assets/{path.stem}.{hashlib.sha256(body).hexdigest()[:10]}{path.suffix}", body)
    return found


def find_theme(directory: str = "") -> Theme:
    """The theme of a function: from `directory`, else from its layer.

    A layer is mounted at /opt on AWS, and its `python` folder stands on the import path wherever it is mounted.

    Raises:
        FileNotFoundError: no theme layer is attached.
    """
    for candidate in [directory, "/opt/theme", *(str(Path(entry).parent / "theme") for entry in sys.path)]:
        if candidate and (Path(candidate) / TEMPLATES).is_dir():
            return Theme(Path(candidate))
    raise FileNotFoundError("no theme layer is attached")
