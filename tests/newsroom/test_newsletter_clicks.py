"""Links of newsletters that are counted: only if the settings ask for it, of nobody in particular, and never to anywhere else."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.mail_parts import redirect_links
from nightdesk.usecases.newsletters import clicks, control
from nightdesk.usecases.newsletters.clicks import FollowedLink, follow_link, followed_links, record_links
from support.editor_api_in_memory import Api
from support.letters import SITE, LetterRoom

EDITION = "article-harbour/2026-11-23"
ELSEWHERE = "https://elsewhere.example/?a=1&b=2"
BODY = f"See [this]({ELSEWHERE}) and [that](/about/).\n\n::: gate tier=member\n[Hidden](https://hidden.example/).\n:::"


def mailed(theme: Theme, settings: str) -> LetterRoom:
    room = LetterRoom(theme, SITE + settings)
    room.add("free")
    room.add("paying", tier="member")
    room.publish("harbour", "T", BODY, newsletter=True, date="2026-11-23")
    return room


def links(html: str) -> list[str]:
    return [link.replace("&amp;", "&") for link in re.findall(r'<a [^>]*href="([^"]+)"', html)]


def test_links_are_as_they_were_unless_the_settings_ask(theme: Theme) -> None:
    room = mailed(theme, "")
    assert ELSEWHERE in links(room.mail_to("free").html)
    assert "/api/click" not in room.mail_to("free").html
    assert followed_links(EDITION, room.editions_table) == []


def test_a_link_that_is_followed_counts_and_leads_to_its_address(theme: Theme) -> None:
    room = mailed(theme, "count_clicks: true\n")
    mail = room.mail_to("free")
    assert ELSEWHERE in mail.text, "the plain part is as it was"
    found = [link for link in links(mail.html) if "/api/click" in link]
    assert {link for link in links(mail.html) if link not in found} == {
        mail.headers["List-Unsubscribe"][1:-1],
        "https://quay.example/account/",
    }
    assert not re.search("free@|reader=", "".join(found)), "nothing says whose mail it was"
    hidden = clicks.link_id("https://hidden.example/")
    assert (hidden in mail.html, hidden in room.mail_to("paying").html) == (False, True)
    leads = []
    for link in set(found):
        query = {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}
        leads.append(follow_link(query["edition"], query["link"], room.editions_table, room.now))
    assert ELSEWHERE in leads
    assert "https://quay.example/about/" in leads
    assert "" not in leads
    assert "https://hidden.example/" not in leads
    follow_link(EDITION, clicks.link_id(ELSEWHERE), room.editions_table, room.now)
    assert followed_links(EDITION, room.editions_table)[0] == FollowedLink(ELSEWHERE, 2)
    answer = Api(room).call("GET", f"/v1/newsletters/{EDITION}/links", "writer")["body"]["links"]
    assert answer[0] == {"url": ELSEWHERE, "clicks": 2}
    assert {"url": "https://hidden.example/", "clicks": 0} in answer


@pytest.mark.parametrize(
    ("edition", "link"),
    [
        (EDITION, clicks.link_id("https://evil.example/")),
        ("article-other/2026-11-23", clicks.link_id(ELSEWHERE)),
        (EDITION, "https://evil.example/"),
        ("", ""),
        ("x#y/2026-11-23", "0" * 32),
    ],
)
def test_nobody_can_make_a_link_that_leads_elsewhere(theme: Theme, edition: str, link: str) -> None:
    room = mailed(theme, "count_clicks: true\n")
    assert follow_link(edition, link, room.editions_table, room.now) == ""
    assert sum(each.clicks for each in followed_links(EDITION, room.editions_table)) == 0


def test_a_preview_has_the_real_links(theme: Theme) -> None:
    room = LetterRoom(theme, SITE + "count_clicks: true\n")
    room.publish("harbour", "T", BODY, date="2026-11-23")
    assert ELSEWHERE in links(control.preview("harbour", "public", room.newsletters, theme).html)


def test_links_are_recorded_once_however_often_the_mails_are_made(theme: Theme) -> None:
    room = LetterRoom(theme)
    urls = [f"https://{number}.example/" for number in range(120)]
    record_links(EDITION, urls[:70], room.editions_table)
    record_links(EDITION, urls, room.editions_table)
    assert {each.url for each in followed_links(EDITION, room.editions_table)} == set(urls)


def test_only_links_to_the_web_are_led_over_the_site() -> None:
    html = '<p><a class="x" href="https://a.example/?b=1&amp;c">a</a><a href="mailto:a@b.example">m</a><a href="#n">n</a><a name="q">q</a></p>'
    found, urls = redirect_links(html, (), lambda url: f"https://q.example/go?to={len(url)}&x")
    assert urls == ("https://a.example/?b=1&c",)
    assert found == html.replace("https://a.example/?b=1&amp;c", "https://q.example/go?to=24&amp;x")
    found, urls = redirect_links('<a href="https://a.example/it\'s">a</a>', (), lambda _: "https://q.example/go")
    assert (found, urls) == ('<a href="https://q.example/go">a</a>', ("https://a.example/it's",))


def test_the_readers_api_leads_on_and_refuses_what_it_does_not_know(theme: Theme) -> None:
    from functions.reader_api.problems import ReaderProblem
    from functions.reader_api.routes.newsletter import get_click

    room = mailed(theme, "count_clicks: true\n")
    context: Any = SimpleNamespace(ports=SimpleNamespace(editions=room.editions_table), now=room.now)

    def ask(**query: str) -> Any:
        request: Any = SimpleNamespace(query=query)
        return get_click(request, context)

    answer = ask(edition=EDITION, link=clicks.link_id(ELSEWHERE))
    assert (answer.status, answer.headers["location"]) == (303, ELSEWHERE)
    with pytest.raises(ReaderProblem):
        ask(edition=EDITION, link="0" * 32)
    with pytest.raises(ReaderProblem):
        ask()
