"""Embeds: known players and posts become cards, nothing of another site is loaded by itself, and nobody can smuggle a frame in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from nightdesk.domain.drafts_bucket import classify
from nightdesk.domain.embeds import PROVIDERS, embed_of
from nightdesk.domain.site import Site
from nightdesk.domain.site_file import parse_site
from nightdesk.rendering.embeds import EmbedCards
from nightdesk.rendering.environment import Theme
from nightdesk.usecases.pipeline.render_document import read_draft
from support.memory_newsroom import Newsroom

ID = "dQw4w9WgXcQ"
VIDEO = f"https://www.youtube.com/watch?v={ID}"
PLAYER = f"https://www.youtube-nocookie.com/embed/{ID}"
ALL = f"embeds: [{', '.join(PROVIDERS)}]\n"
NONE = '<meta http-equiv="Content-Security-Policy" content="frame-src \'none\'">'
FRAMES = re.compile(r'content="frame-src ([^"]*)"')


@pytest.fixture
def newsroom(theme: Theme) -> Newsroom:
    return Newsroom(theme)


def page(newsroom: Newsroom, body: str, settings: str = ALL) -> str:
    newsroom.file("site.yaml", settings)
    newsroom.publish("a-story", body=body)
    return newsroom.page("articles/a-story/")


def text_of(body: str) -> str:
    """Return the sanitised text of a draft."""
    key = classify("drafts/a.md")
    assert key
    document, _ = read_draft(f"---\ntitle: T\n---\n{body}\n".encode(), key, Site(), (), {})
    return "".join(block.html for block in document.blocks)


@pytest.mark.parametrize(
    ("typed", "link", "player"),
    [
        (VIDEO, VIDEO, PLAYER),
        (f"https://youtu.be/{ID}?si=abc&t=90", f"{VIDEO}&t=90s", f"{PLAYER}?start=90"),
        (f"http://m.youtube.com/shorts/{ID}", VIDEO, PLAYER),
        (f"//www.youtube-nocookie.com/embed/{ID}?autoplay=1&x=<", None, None),
        (f"//www.youtube-nocookie.com/embed/{ID}?autoplay=1", VIDEO, PLAYER),
        (f"{VIDEO}&t=1h1m30s", f"{VIDEO}&t=3690s", f"{PLAYER}?start=3690"),
        ("https://www.youtube.com/embed/videoseries?si=a&list=PLbpi6ZahtOH6Ar_3GPy3", "https://www.youtube.com/playlist?list=PLbpi6ZahtOH6Ar_3GPy3",
         "https://www.youtube-nocookie.com/embed/videoseries?list=PLbpi6ZahtOH6Ar_3GPy3"),
        ("https://www.threads.com/@desk/post/C8abcDEF12g", "https://www.threads.com/@desk/post/C8abcDEF12g", ""),
        ("https://vimeo.com/123456789/abcdef0123", "https://vimeo.com/123456789/abcdef0123",
         "https://player.vimeo.com/video/123456789?h=abcdef0123&dnt=1"),
        ("https://player.vimeo.com/video/123456789?h=zz", "https://vimeo.com/123456789", "https://player.vimeo.com/video/123456789?dnt=1"),
        ("https://datawrapper.dwcdn.net/aB3xY/12/", "https://www.datawrapper.de/_/aB3xY/", "https://datawrapper.dwcdn.net/aB3xY/"),
        ("https://flo.uri.sh/visualisation/123/embed", "https://public.flourish.studio/visualisation/123/",
         "https://flo.uri.sh/visualisation/123/embed"),
        ("https://soundcloud.com/desk/harbour", "https://soundcloud.com/desk/harbour",
         "https://w.soundcloud.com/player/?url=https%3A%2F%2Fsoundcloud.com%2Fdesk%2Fharbour"),
        ("https://open.spotify.com/intl-de/episode/0123456789abcdefABCDEF?si=1", "https://open.spotify.com/episode/0123456789abcdefABCDEF",
         "https://open.spotify.com/embed/episode/0123456789abcdefABCDEF"),
        ("https://twitter.com/desk/status/123", "https://x.com/desk/status/123", ""),
        ("https://bsky.app/profile/desk.example/post/3kabcdefgh2", "https://bsky.app/profile/desk.example/post/3kabcdefgh2", ""),
        ("https://social.example/@desk/111222333444555666", "https://social.example/@desk/111222333444555666", ""),
    ],
)  # fmt: skip
def test_links_of_known_providers_are_understood(typed: str, link: str | None, player: str | None) -> None:
    found = embed_of(typed)
    assert (found.link if found else None, found.player if found else None) == (link, player)
    again = embed_of(found.link) if found else None
    assert again == found, "a document keeps the link alone"
    assert not found or found.listed_as in ("", *PROVIDERS)


@pytest.mark.parametrize(
    "typed",
    [
        f"https://youtube.com.evil.example/watch?v={ID}", f"https://evil.example/youtube.com/watch?v={ID}",
        f"https://youtube.com@evil.example/watch?v={ID}", f"https://evil@youtube.com/watch?v={ID}",
        f"https://youtube.com:8443/watch?v={ID}", f"https://youtube.com./watch?v={ID}", f"https://уoutube.com/watch?v={ID}",
        f"https://youtube。com/watch?v={ID}", f"https://xn--outube-2of.com/watch?v={ID}", f"https://notyoutube.com/watch?v={ID}",
        f"https://www.www.youtube.com/watch?v={ID}", f"https:\\\\youtube.com/watch?v={ID}", f"https://youtube.com\\@evil.example/watch?v={ID}",
        f"javascript://youtube.com/watch?v={ID}", f"data:text/html,//youtube.com/watch?v={ID}", f"ftp://youtube.com/watch?v={ID}",
        f"https:youtube.com/watch?v={ID}", f"https:///youtube.com/watch?v={ID}", f"https://youtube.com/watch?v={ID}%22onload=x",
        "https://www.youtube.com/embed/live_stream?channel=UCabcdefghijklmnopqrstuv", "https://www.youtube.com/embed/videoseries?list=%22",
        "https://www.youtube.com/playlist", f"https://youtube.com/watch?v={ID}x", "https://youtube.com/watch?v=", "https://youtube.com/redirect?q=https://evil.example",
        f"https://youtube.com/embed/../../{ID}", f"https://youtube.com/embed/{ID}/../x", f"https://you\ntube.com/watch?v={ID}",
        f"https://youtube.com/watch?v={ID}\n<script>", "https://w.soundcloud.com/player/?url=https://evil.example/a/b",
        "https://w.soundcloud.com/player/?url=https%3A//api.soundcloud.com.evil.example/tracks/1",
        "https://www.datawrapper.de/login", "https://vimeo.com/login", "https://open.spotify.com/embed/../user/1",
        "https://x.com/desk", "", "youtube.com", "https://", "//", f"https://youtube.com/watch?v={ID}" + "&a=1" * 400,
    ],
)  # fmt: skip
def test_nothing_else_is_taken_for_one(typed: str) -> None:
    assert embed_of(typed) is None


def test_the_address_of_a_player_is_made_of_checked_parts_only() -> None:
    for quoted in ('"', "'", "<", ">", "%22", "%3C", "&quot;", " ", "\t", "\\", "`"):
        for typed in (
            f"{VIDEO}&t=9{quoted}",
            f"https://vimeo.com/123456789?h=abcdef{quoted}",
            f"{VIDEO}{quoted}#{quoted}",
        ):
            found = embed_of(typed)
            assert not found or re.fullmatch(r"https://[a-z.-]+/[A-Za-z0-9/?=&_-]*", found.player)


@pytest.mark.parametrize(
    "body",
    [VIDEO, f"<{VIDEO}>", f'<iframe src="https://www.youtube.com/embed/{ID}" title="YouTube video player"></iframe>',
     f'<figure>\n<iframe src="//www.youtube.com/embed/{ID}"></iframe>\n</figure>', f"Before.\n\n{VIDEO}\n\nAfter.",
     f"- Before.\n\n  {VIDEO}\n\n  After."],
)  # fmt: skip
def test_a_known_address_by_itself_and_a_pasted_player_become_a_card(newsroom: Newsroom, body: str) -> None:
    found = page(newsroom, body)
    assert f'<figure class="embed" data-player="{PLAYER}" data-title="YouTube">' in found
    assert f'<a href="{VIDEO}">Watch</a>' in found
    assert '<button type="button" class="button" hidden>Play it here</button>' in found
    assert "<iframe" not in found
    assert FRAMES.findall(found) == ["https://www.youtube-nocookie.com"]
    assert re.search(r'<script src="/assets/embeds\.[0-9a-f]+\.js" defer>', found)
    assert "data-embed" not in found
    warned = [each["message"] for each in newsroom.state("a-story")["warnings"] if each["line"]]
    assert not [message for message in warned if "iframe" in message]


@pytest.mark.parametrize("settings", ["name: A\n", "embeds: [vimeo.com]\n"])
def test_a_provider_that_is_not_listed_has_a_link_and_no_player(newsroom: Newsroom, settings: str) -> None:
    found = page(newsroom, f'<iframe src="https://youtu.be/{ID}" title="The quay"></iframe>', settings)
    assert '<figure class="embed"><figcaption><span class="embed-provider">YouTube</span> ' in found
    assert f'<a href="{VIDEO}">The quay</a>' in found
    assert "data-player" not in found
    assert "embeds." not in found
    assert NONE in found


def test_the_settings_decide_without_a_new_version_of_the_draft(newsroom: Newsroom) -> None:
    assert NONE in page(newsroom, VIDEO, "name: A\n")
    newsroom.file("site.yaml", ALL)
    assert FRAMES.findall(newsroom.page("articles/a-story/")) == ["https://www.youtube-nocookie.com"]


def test_every_page_closes_what_the_header_leaves_open(newsroom: Newsroom) -> None:
    page(newsroom, f"See {VIDEO} now.\n\n- {VIDEO}\n")
    html = {key: out.body.decode() for key, out in newsroom.site.outputs.items() if out.content_type[:9] == "text/html"}
    assert len(html) > 10
    for key, text in html.items():
        if "<head>" in text:
            assert text.count("http-equiv") == text.count(NONE) == 1, key
            assert text.index(NONE) < text.index("<title>"), key


def test_an_embed_behind_a_gate_exists_for_entitled_readers_only(newsroom: Newsroom) -> None:
    body = f"Free.\n\nhttps://vimeo.com/123456789\n\n::: gate tier=member\n{VIDEO}\n:::"
    found = page(newsroom, body)
    assert ID not in found
    assert FRAMES.findall(found) == ["https://player.vimeo.com"]
    member = newsroom.site.outputs["articles/a-story/~member/index.html"].body.decode()
    assert FRAMES.findall(member) == ["https://player.vimeo.com https://www.youtube-nocookie.com"]
    assert PLAYER in member
    assert ID not in newsroom.page("feed.json") + newsroom.page("feed.xml")


def test_feeds_and_the_search_have_plain_links(newsroom: Newsroom) -> None:
    page(newsroom, f'<iframe src="https://youtu.be/{ID}" title="The quay"></iframe>')
    feed = newsroom.page("feed.json")
    assert f'<a href=\\"{VIDEO}\\">The quay</a>' in feed
    assert "data-" not in feed
    assert "embed-box" not in feed


@pytest.mark.parametrize(
    "body",
    [
        f'<iframe srcdoc="<script>alert(1)</script>" src="https://youtu.be/{ID}" onload="alert(1)"></iframe>',
        f'<iframe src="https://youtu.be/{ID}" title="&quot; onload=&quot;alert(1)"></iframe>',
        f"<iframe src=\"https://youtu.be/{ID}\" title='&quot;&gt;&lt;iframe src=https://evil.example&gt;'></iframe>",
        f'<iframe src="https://youtu.be/{ID}"><iframe src="https://evil.example"></iframe></iframe>',
        f'<object data="https://youtu.be/{ID}"><embed src="https://evil.example"></object>',
        f'<a href="{VIDEO}" data-embed="" data-player="https://evil.example/">x</a>',
        f'<p><a href="https://evil.example" data-embed="">{VIDEO}</a></p>',
        '<figure class="embed" data-player="https://evil.example/x"><div class="embed-box"><button>x</button></div></figure>',
        f'<p>&lt;p&gt;&lt;a href="https://vimeo.com/123456789" data-embed=""&gt;x&lt;/a&gt;&lt;/p&gt;</p>\n\n{VIDEO}',
        f'<span title=\'<p><a href="https://vimeo.com/123456789" data-embed="">x</a></p>\'>x</span>\n\n{VIDEO}',
        f"[{VIDEO}](https://evil.example)",
        f'<form action="{VIDEO}"><button>x</button></form>',
        "https://youtube.com.evil.example/watch?v=dQw4w9WgXcQ",
        f"<iframe src=\"java&#115;cript:alert(1)//{VIDEO}\"></iframe>",
        f"\ue000n:x\ue001\n\n{VIDEO}\ue000",
    ],
)  # fmt: skip
def test_nobody_smuggles_a_frame_or_an_origin_in(newsroom: Newsroom, body: str) -> None:
    found = page(newsroom, body)
    allowed = {"'none'", "https://www.youtube-nocookie.com"}
    assert set(FRAMES.findall(found)) <= allowed
    text = found[found.index('<div class="body prose">') : found.index('<div class="after">')]
    tags = re.findall(r"<[a-z][^\s>]*(?:\s(?:\"[^\"]*\"|[^\">])*)?>", text)
    assert not [tag for tag in tags if re.match(r"<(iframe|object|embed|script|form)\b", tag)]
    for tag in tags:
        bare = re.sub(r'"[^"]*"', '""', tag)
        assert not re.search(r"\son[a-z]+=|srcdoc|data-embed", bare), tag
        assert "data-player" not in bare or f'data-player="{PLAYER}"' in tag


def test_an_address_in_a_sentence_or_a_list_is_no_card() -> None:
    assert "data-embed" not in text_of(f"See {VIDEO} now.\n\n- {VIDEO}\n\n[The quay]({VIDEO})\n\n    {VIDEO}\n")
    assert "data-embed" not in text_of("https://other.example/clip.mp4")


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        (f"Watch this:\n{VIDEO}", ["Watch this:", ""]),
        (f"{VIDEO}\nIt was filmed *here*.", ["", "It was filmed <em>here</em>."]),
        (f"One,  \n<{VIDEO}>  \ntwo & three.", ["One,<br>", "", "two &amp; three."]),
        (f"{VIDEO}\n{VIDEO}", ["", ""]),
        (f"> Quoted.\n> {VIDEO}", ["Quoted.", ""]),
        (f"- Point\n  {VIDEO}\n\n- Other", ["Point", "", "Other"]),
    ],
)
def test_an_address_on_a_line_by_itself_becomes_a_card(body: str, texts: list[str]) -> None:
    found = re.findall(r"<p>(.*?)</p>", text_of(body), re.DOTALL)
    assert [re.sub(r'<a href="[^"]*" data-embed="">YouTube</a>', "", each).strip() for each in found] == texts
    assert text_of(body).count("data-embed") == texts.count("")


@pytest.mark.parametrize(
    "body", [f"*Watch\n{VIDEO}\nnow*", f"```\na\n{VIDEO}\n```", f"See\n{VIDEO}, please.", f"[Watch\n{VIDEO}](/quay/)"]
)
def test_an_address_within_other_markup_is_no_card(body: str) -> None:
    assert "data-embed" not in text_of(body)


def test_any_other_player_becomes_a_link_that_status_names(newsroom: Newsroom) -> None:
    found = page(newsroom, '<iframe src="https://player.example/1" title="Clip"></iframe>')
    assert '<a href="https://player.example/1">Clip</a>' in found
    messages = [each["message"] for each in newsroom.state("a-story")["warnings"]]
    assert "<iframe> is not shown; a link to https://player.example/1 stands in its place" in messages


def test_a_video_beside_the_draft_becomes_a_download(newsroom: Newsroom) -> None:
    newsroom.upload("drafts/a-story/clip.mp4", b"film")
    newsroom.publish("a-story/index", body='<video src="clip.mp4" title="The quay"></video>')
    assert re.search(
        r'<a href="/articles/a-story/clip\.[0-9a-f]{64}\.public\.mp4">The quay</a> <span class="file-facts">\(MP4',
        newsroom.page("articles/a-story/"),
    )


def test_settings_name_the_providers_that_there_are() -> None:
    site, warnings = parse_site(b"embeds: [YouTube.com, tube.example, youtube.com]\n")
    assert site.embeds == ("youtube.com",)
    [warning] = warnings
    assert warning.line == 1
    assert warning.text.startswith(
        "“tube.example” is not a provider whose players can be loaded; there are datawrapper.de,"
    )
    assert Site.from_json(site.to_json()) == site


def test_a_page_loads_little_of_our_own_javascript() -> None:
    static = Path(__file__).parents[2] / "layers" / "theme" / "static"
    script = (static / "embeds.js").read_text("utf-8")
    assert len(script.encode()) < 1500
    for sink in ("innerHTML", "srcdoc", "eval", "insertAdjacentHTML", "document.write"):
        assert sink not in script


def test_a_link_that_is_no_embed_any_more_stays_a_link(theme: Theme) -> None:
    html = '<p><a href="https://gone.example/1" data-embed="">Gone</a></p>'
    assert EmbedCards(theme.text(Site()), PROVIDERS).html(html) == '<p><a href="https://gone.example/1">Gone</a></p>'
