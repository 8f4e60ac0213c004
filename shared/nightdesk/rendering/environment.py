"""A theme: its Jinja environment, which is strict, escapes everything and starts fast, and its texts and files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Protocol

from jinja2 import BaseLoader, Environment, FileSystemBytecodeCache, FileSystemLoader, ModuleLoader, StrictUndefined
from markupsafe import Markup, escape

from nightdesk.domain.languages import best_match
from nightdesk.domain.site import Site
from nightdesk.rendering.contexts import SiteContext, Stamp
from nightdesk.rendering.menus import current_link
from nightdesk.rendering.pictures import caption_html, picture_html
from nightdesk.rendering.texts import (
    COMPILED,
    LANGUAGE,
    Catalogue,
    compile_texts,
    find_theme_directory,
    languages_of,
    load_catalogue,
)
from nightdesk.rendering.tokens import NO_TOKENS, Tokens, parse_tokens

ASSETS = "static"
TEMPLATES = "templates"
PAGES = "pages"
ROOT = "root"
_STYLE, _TOKENS, _RULES = "site.css", "tokens.css", "theme.css"
"""The style sheet that pages have is made of these: the tokens, the rules, and the rules that a newsroom adds."""
READER_BLOCKS = {
    "frames": "frames",
    "toc": "toc",
    "body": "body",
    "notes": "footnotes",
    "sources": "sources",
    "support": "support",
}
"""The blocks of an article that depend on the reader, and the attribute of the page that each one shows.

`shell.html` holds a comment, `<!--~toc-->`, in place of each. No text can forge one: escaping leaves no `<`, and the sanitiser
leaves no comments.
"""
_MARKS = re.compile(f"<!--~({'|'.join(READER_BLOCKS)})-->")


def make_environment(loader: BaseLoader, text: Catalogue) -> Environment:
    """Return an environment that escapes everything and raises on an unknown name.

    Its filter `text` returns a message: `{{ "article.notes" | text }}`. Jinja applies it to constants when it compiles a
    template, so messages without values cost nothing when a page is rendered. The filter `time` returns a `Stamp` as HTML,
    `picture` a `Picture`, and `caption` what a figure says below it. The filter `here` finds the current link of a menu.
    """
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["text"] = text
    environment.filters["time"] = _time_html
    environment.filters["picture"] = picture_html
    environment.filters["caption"] = caption_html
    environment.filters["here"] = current_link
    return environment


def _time_html(stamp: Stamp) -> Markup:
    return Markup(f'<time datetime="{escape(stamp.iso)}">{escape(stamp.text)}</time>')


def compile_theme(theme: Path) -> None:
    """Write a theme's templates as Python modules for each language, and its texts as JSON, to `theme/compiled`."""
    for language in languages_of(theme):
        environment = make_environment(FileSystemLoader(theme / TEMPLATES), load_catalogue(theme, language))
        environment.compile_templates(str(theme / COMPILED / language), zip=None, ignore_errors=False)
    compile_texts(theme, theme / COMPILED)


class Context(Protocol):
    """What a template gets: its class has the site's settings, and so the language of the words around the text."""

    @property
    def site(self) -> SiteContext:
        """The settings."""


class Theme:
    """A newsroom's templates, texts and files.

    Args:
        directory: holds `templates/`, `texts/`, `static/`, `pages/` (the default standing pages, in a folder for each language),
            optionally `root/` (files to serve unchanged at the site's root) and, in a built layer, `compiled/`.
        cache: a directory in which processes share the bytecode of templates that are not compiled; None to keep none.

    Attributes:
        languages: those in which it speaks to readers.
        tokens: its colours, fonts and measures.
        directory: where it lies.
    """

    languages: tuple[str, ...]
    tokens: Tokens = NO_TOKENS

    def __init__(self, directory: Path, cache: Path | None = None) -> None:
        self.directory = directory
        self._cache = cache
        self._environments: dict[str, Environment] = {}
        self._pages: dict[str, dict[str, bytes]] = {}
        self.languages = languages_of(directory)
        self.assets = _assets(directory / ASSETS)
        self.tokens = _tokens(directory / ASSETS / _TOKENS)
        self.root = {path.name: path.read_bytes() for path in sorted((directory / ROOT).glob("*"))}

    def text(self, site: Site, language: str = "") -> Catalogue:
        """Return the messages in the language of a text, if the theme speaks it, or else in that of the site."""
        return load_catalogue(self.directory, language if best_match(language, self.languages) else site.language)

    def pages(self, site: Site) -> Mapping[str, bytes]:
        """Return the default standing pages of a site by their ids: in its language, else in English."""
        language = self.text(site).language
        if language not in self._pages:
            folders = [self.directory / PAGES / name for name in dict.fromkeys((LANGUAGE, language))]
            self._pages[language] = {
                path.stem: path.read_bytes() for each in folders for path in sorted(each.glob("*.md"))
            }
        return self._pages[language]

    def _environment(self, language: str) -> Environment:
        """Return the environment for a language. Only those that are asked for are made: mostly one."""
        text = load_catalogue(self.directory, language)
        if text.language not in self._environments:
            compiled = self.directory / COMPILED / text.language
            templates = self.directory / TEMPLATES
            loader = ModuleLoader(str(compiled)) if compiled.is_dir() else FileSystemLoader(templates)
            made = make_environment(loader, text)
            if self._cache:
                self._cache.mkdir(parents=True, exist_ok=True)
                made.bytecode_cache = FileSystemBytecodeCache(str(self._cache), f"%s.{text.digest}")
            made.globals |= {"asset": self._asset_url, "design_token": self.tokens.value}
            self._environments[text.language] = made
        return self._environments[text.language]

    def _asset_url(self, name: str) -> str:
        return "/" + self.assets[name][0]

    def render(self, template: str, context: Context) -> str:
        """Return `template` rendered with `context`, which the template knows as `page`, in the language of its site."""
        return self._environment(context.site.language).get_template(template).render(page=context)

    def render_each(self, template: str, shell: str, contexts: Sequence[Context], language: str = "") -> list[str]:
        """Return `template` rendered with each of several contexts that differ only in what `READER_BLOCKS` show.

        Renders the rest of the page, `shell`, once, with the first context.

        Args:
            language: of the text. The words in the block `main` are in it, if the theme speaks it.

        Raises:
            ValueError: the shell does not show each block once.
        """
        outer = self._environment(contexts[0].site.language)
        inner = self._environment(language) if best_match(language, self.languages) else outer
        whole = self.render(shell, contexts[0])
        if inner is not outer:
            main, words = (_blocks(each, shell, contexts[0])("main") for each in (outer, inner))
            whole = whole.replace(main, words)
        pieces = _MARKS.split(whole)
        if len(pieces) != 2 * len(READER_BLOCKS) + 1:
            raise ValueError(f"{shell} must show each of {', '.join(READER_BLOCKS)} once")
        rendered: dict[tuple[str, object], str] = {}
        pages = []
        for context in contexts:
            block = _blocks(inner, template, context)
            page = list(pieces)
            for place in range(1, len(page), 2):
                name = page[place]
                shown = name, getattr(context, READER_BLOCKS[name])
                if shown not in rendered:
                    rendered[shown] = block(name)
                page[place] = rendered[shown]
            pages.append("".join(page))
        return pages


def _blocks(environment: Environment, name: str, context: Context) -> Callable[[str], str]:
    """Return what renders a block of a template, by the block's name."""
    template = environment.get_template(name)
    scope = template.new_context({"page": context})
    next(iter(template.root_render_func(scope)))  # so that it knows the blocks of the templates that it extends
    return lambda block: "".join(scope.blocks[block][0](scope))


@cache
def _assets(directory: Path) -> Mapping[str, tuple[str, bytes]]:
    """Return the key on the site and the bytes of each file, by its name in the theme.

    The key holds the file's digest, so caches may keep the file for ever.
    """
    bodies = {p.relative_to(directory).as_posix(): p.read_bytes() for p in sorted(directory.rglob("*")) if p.is_file()}
    # One file, so that a page waits for one.
    style = [bodies.pop(name) for name in (_TOKENS, _STYLE, _RULES) if name in bodies]
    if style:
        bodies[_STYLE] = b"".join(style)
    return {name: (_asset_key(PurePosixPath(name), body), body) for name, body in bodies.items()}


def _asset_key(name: PurePosixPath, body: bytes) -> str:
    return f"assets/{name.stem}.{hashlib.sha256(body).hexdigest()[:10]}{name.suffix}"


@cache
def _tokens(path: Path) -> Tokens:
    return parse_tokens(path.read_text("utf-8")) if path.is_file() else NO_TOKENS


def forget_themes() -> None:
    """Have themes read their files again, which have changed."""
    for known in (_assets, _tokens, load_catalogue):
        known.cache_clear()


def find_theme(directory: str = "") -> Theme:
    """Return the theme in `directory`, or else the one in this function's layers.

    Raises:
        FileNotFoundError: no theme layer is attached.
    """
    return Theme(find_theme_directory(directory))
