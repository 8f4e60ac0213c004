"""Addresses that stand in a text become links."""

from __future__ import annotations

import time

import pytest
from nightdesk.domain.passages import FREE, Passage
from nightdesk.domain.typography import Typography
from nightdesk.rendering.bare_links import MOST
from nightdesk.rendering.losses import Losses
from nightdesk.rendering.markdown import render_passages
from nightdesk.rendering.typed_links import typed_links
from nightdesk.usecases.pipeline.render_document import link_finder


def html(markdown: str, losses: Losses | None = None) -> str:
    losses = losses or Losses()
    link = link_finder(losses, "/articles/a/", "https://news.example")
    passages = (Passage(FREE, "", markdown, 1),)
    return render_passages(passages, lambda _: None, link, losses, typography=Typography("en"))[0].html.strip()


def linked(address: str, shown: str = "") -> str:
    return f'<a href="{address}">{shown or address}</a>'


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("See https://a.example.", f"See {linked('https://a.example')}."),
        ("(https://a.example/b_(c)), no", f"({linked('https://a.example/b_(c)')}), no"),
        ('"http://a.example/b?c=d&e=f#g"!', f"“{linked('http://a.example/b?c=d&amp;e=f#g')}”!"),
        ("HTTPS://a.example/B", linked("https://a.example/B", "HTTPS://a.example/B")),
        ("https://a.example/b--c---d...e", linked("https://a.example/b--c---d...e")),
        ("https://a.example/Rubik's_Cube's", linked("https://a.example/Rubik's_Cube's")),
        ("*https://a.example/*", f"<em>{linked('https://a.example/')}</em>"),
        ("https://a.example:8080/b", linked("https://a.example:8080/b")),
        ("https://zürich.example/weg", linked("https://zürich.example/weg")),
        ("見てhttps://a.example/b。次", None),
        ("見て https://a.example/b。次", f"見て {linked('https://a.example/b')}。次"),
        ("انظر https://a.example/b، ثم", f"انظر {linked('https://a.example/b')}، ثم"),
        ("https://a.example/b؟ https://a.example/c۔", f"{linked('https://a.example/b')}؟ {linked('https://a.example/c')}۔"),
        ("https://a.example/b\\\nhttps://c.example/d", f"{linked('https://a.example/b')}<br>\n{linked('https://c.example/d')}"),
    ],
)  # fmt: skip
def test_an_address_becomes_a_link_without_the_punctuation_after_it(markdown: str, shown: str | None) -> None:
    assert html(markdown) == f"<p>{markdown if shown is None else shown}</p>"


@pytest.mark.parametrize(
    "markdown",
    [
        "www.a.example", "https://", "https://localhost/a", "https://a", "https://user@a.example/", "https://a..example",
        "javascript://a.example/%0aalert(1)", "xhttps://a.example", "ftp://a.example", "data:text/html,https://", "https://[x",
        "`https://a.example`", "<kbd>https://a.example</kbd>", "mailto://a.example",
    ],
)  # fmt: skip
def test_nothing_else_becomes_a_link(markdown: str) -> None:
    losses = Losses()
    assert "<a" not in html(markdown, losses)
    assert losses.problems == ()


def test_code_and_links_are_left_alone() -> None:
    assert html("    https://a.example/b") == "<pre><code>https://a.example/b\n</code></pre>".replace("\n<", "<")
    assert html("[see https://a.example/b](https://c.example)") == f"<p>{linked('https://c.example', 'see https://a.example/b')}</p>"  # fmt: skip
    assert html("<https://a.example/b>") == f"<p>{linked('https://a.example/b')}</p>"


def test_every_link_goes_through_the_rules_for_links() -> None:
    asked = []

    def refuse(typed: str) -> None:
        asked.append(typed)

    shown = render_passages((Passage(FREE, "", "a https://a.example/b c", 1),), lambda _: None, refuse)[0].html
    assert (shown.strip(), asked) == ("<p>a https://a.example/b c</p>", ["https://a.example/b"])


def test_the_links_of_a_file_are_found_with_their_lines() -> None:
    found = typed_links("One\nhttps://news.example/articles/b/.\n\n`https://c.example`\n", 5)
    assert [(link.line, link.address) for link in found] == [(6, "https://news.example/articles/b/")]


def test_many_addresses_cost_little() -> None:
    shown = html("https://a.example/b " * (MOST + 10))
    assert shown.count("<a ") == MOST
    started = time.process_time()
    html("https://a.example/" + ")" * 100_000 + " https://a.example/" + "(" * 100_000 + "'" * 100_000)
    html("https://" * 50_000)
    assert time.process_time() - started < 20
