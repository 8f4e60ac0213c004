"""Links that lead nowhere on the site are warned of with their lines, and only as long as they lead nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from nightdesk.domain.site_links import own_path, page_address
from nightdesk_cli.main import main
from support.default_theme import default_theme
from support.memory_newsroom import Newsroom

HARBOUR = "/articles/harbour/"


@pytest.fixture
def room() -> Newsroom:
    made = Newsroom(default_theme())
    made.file("site.yaml", "name: The Tide\nbase_url: https://tide.example\n")
    return made


def dead(room: Newsroom, slug: str) -> list[tuple[int, str]]:
    """Return the line and the address of each warning about a link."""
    found = room.state(slug)["warnings"]
    return [(w["line"], w["message"].split(" leads to ")[0]) for w in found if " leads to " in w["message"]]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("../ferry/", "/articles/ferry/"),
        ("../ferry", "/articles/ferry/"),
        ("../../topics/energy/", "/topics/energy/"),
        ("ferry.md", "/articles/ferry/"),
        ("./ferry.md#fares", "/articles/ferry/#s-fares"),
        ("2026-11-02-Ferry.MD", "/articles/ferry/"),
        ("../ferry/index.md", "/articles/ferry/"),
        ("index.md#fares", "/articles/harbour/#s-fares"),
        ("../authors/ada.md", "/authors/ada/"),
        ("/drafts/ferry.md", "/articles/ferry/"),
        ("../pages/process.markdown", "/process/"),
        ("/articles/ferry/#fares", "/articles/ferry/#s-fares"),
        ("/articles/ferry/#s-fares", "/articles/ferry/#s-fares"),
        ("/articles/ferry/?from=harbour#fares", "/articles/ferry/?from=harbour#s-fares"),
        ("https://tide.example/articles/ferry/#fares", "https://tide.example/articles/ferry/#s-fares"),
        ("https://other.example/articles/ferry/#fares", ""),
        ("mailto:a.md", ""),
        ("//other.example/a.md", ""),
        ("ferry", ""),
        ("ferry.html", ""),
        ("updates/note.md", ""),
    ],
)
def test_what_a_link_between_pages_means(typed: str, meant: str) -> None:
    assert page_address(typed, HARBOUR, "https://tide.example") == meant


def test_a_link_elsewhere_is_not_of_this_site() -> None:
    assert own_path("https://tide.example.evil.example/a/", "https://tide.example") == ""
    assert own_path("HTTP://Tide.Example/a/?b=1#c", "https://tide.example") == "/a/?b=1#c"
    assert own_path("https://[x/", "https://tide.example") == own_path("//tide.example/", "https://tide.example") == ""


def test_each_dead_link_has_its_line_wherever_it_was_typed(room: Newsroom) -> None:
    room.file(
        "drafts/harbour.md",
        "---\ntitle: H\ndate: 2026-11-01\nauthors: [ada]\ntopics: [energy]\n"
        "sources:\n- {title: A, url: /articles/paper/}\n---\n"
        "[a](/articles/nope/) and [here](/articles/harbour/).\n\n"
        "<p>\n<a href='../gone/'>b</a></p>\n\n"
        "::: gate tier=member\nHidden [c][ref].\n\n[ref]: https://tide.example/topics/fog/\n:::\n\n"
        "A note[^1].\n\n[^1]: See [d](/authors/nobody/).\n\n"
        "[ok](/topics/energy/) [ok](/authors/ada/) [ok](/feed.xml) [ok](/about/) [ok](/search/) [ok](https://x.example/)\n"
        "\n<object data='/map.pdf'></object>\n",
    )
    assert dead(room, "harbour") == [
        (7, "/articles/paper/"),
        (9, "/articles/nope/"),
        (12, "../gone/"),
        (15, "https://tide.example/topics/fog/"),
        (22, "/authors/nobody/"),
        (26, "/map.pdf"),
    ]


def test_a_warning_ends_when_the_target_is_published_and_returns_with_its_takedown(room: Newsroom) -> None:
    room.publish("harbour", body="[a](../ferry/) and [b](ferry.md).")
    assert dead(room, "harbour") == [(7, "../ferry/"), (7, "ferry.md")]
    room.publish("ferry", draft=True)
    assert "cannot get at present" in room.state("harbour")["warnings"][-1]["message"]
    room.publish("ferry")
    assert dead(room, "harbour") == []
    assert '<a href="/articles/ferry/">a</a>' in room.page("/articles/harbour/")
    room.publish("ferry", slug="the-ferry")
    assert dead(room, "harbour") == [], "an old address leads to the article"
    room.file("drafts/ferry.md", None)
    assert "was withdrawn" in room.state("harbour")["warnings"][-1]["message"]


def test_a_dead_link_by_a_path_is_not_blamed_on_one_by_the_files_name(room: Newsroom) -> None:
    room.publish("ferry", slug="the-ferry", body="## Fares\n\nText.")
    room.publish("harbour", body="[a](../ferry/)\n[b](ferry.md)\n[c](../drafts/ferry.md#fares)")
    assert dead(room, "harbour") == [(7, "../ferry/")]


def test_a_link_to_the_file_of_another_draft_leads_nowhere(room: Newsroom) -> None:
    room.upload("drafts/ferry/fares.pdf", b"%PDF")
    room.publish("ferry/index", body="[f](fares.pdf)", aliases=["/articles/ferry/old.pdf"])
    [file] = [key for key in room.site.outputs if key.endswith(".public.pdf")]
    there = f"/{file.replace('~public/', '')}"
    room.publish("harbour", body=f"[a](../ferry/fares.pdf)\n[b](/articles/harbour/plan.png)\n[c]({there})")
    assert dead(room, "harbour") == [(7, "../ferry/fares.pdf"), (8, "/articles/harbour/plan.png")]


def test_old_addresses_and_pages_of_the_newsroom_are_known(room: Newsroom) -> None:
    room.publish("ferry", aliases=["/2019/03/Ferry.html", "/?p=12"])
    room.file("pages/house-style.md", "---\ntitle: Style\n---\n## Dates\n\nText. [up](#dates) [down](#nope)\n")
    assert '<h2 id="s-dates">' in room.page("/house-style/")
    assert '<a href="#s-dates">up</a> down' in room.page("/house-style/")
    room.publish(
        "harbour",
        body="[a](/2019/03/ferry.html) [b](/?p=12) [c](/house-style/#dates) [d](/house-style/#times) [e](/2018/x.html)",
    )
    assert dead(room, "harbour") == [(7, "/house-style/#times"), (7, "/2018/x.html")]


def test_an_anchor_of_another_article_is_looked_for_there(room: Newsroom) -> None:
    room.publish("ferry", body="## What's new?\n\nText.\n\n::: gate tier=member\n## Fares\n\nText.\n:::\n")
    room.publish(
        "harbour", body="[a](../ferry/#whats-new) [b](ferry.md#fares) [c](../ferry/#what-s-new) [d](../ferry/#x)"
    )
    found = [warning["message"] for warning in room.state("harbour")["warnings"] if "anchor" in warning["message"]]
    assert [message.split(" leads ")[0] for message in found] == ["../ferry/#what-s-new", "../ferry/#x"]
    assert "did you mean `#s-whats-new`?" in found[0]


def test_profiles_pages_updates_and_settings_are_checked_too(room: Newsroom) -> None:
    room.file("authors/ada.md", "---\nname: Ada\n---\nFrom [a](/articles/none/).\n\nAnd [b](#here).\n")
    room.file("pages/about.md", "---\ntitle: About\n---\nSee [a](process.md) and\n[b](proces.md).\n")
    room.file("updates/a.md", "---\nheadline: Now\nlink: /articles/none/\n---\n")
    room.file("site.yaml", "name: T\nsupport:\n- {label: Help, url: /help/}\n")
    assert dead(room, "authors/ada.md") == [(4, "/articles/none/"), (6, "#here")]
    assert dead(room, "pages/about.md") == [(5, "proces.md")]
    assert dead(room, "updates/a.md") == [(3, "/articles/none/")]
    assert dead(room, "site.yaml") == [(3, "/help/")]


def test_links_cost_the_same_reads_whatever_the_archive_holds(room: Newsroom) -> None:
    def reads() -> int:
        before = len(room.site.outputs)
        assert before
        count = 0
        stat = room.bare.site.stat

        def counted(key: str) -> object:
            nonlocal count
            count += 1
            return stat(key)

        room.bare.site.stat = counted  # type: ignore[method-assign, assignment]
        room.state("harbour")
        room.bare.site.stat = stat  # type: ignore[method-assign]
        return count

    room.publish("harbour", body="[a](/articles/none/) [b](/topics/fog/) [c](/2018/x.html)")
    few = reads()
    for number in range(20):
        room.publish(f"story-{number}")
    assert reads() == few


@pytest.fixture
def newsroom(tmp_path: Path) -> Path:
    for name, text in {
        "site.yaml": "name: The Tide\nbase_url: https://tide.example\n",
        "authors/ada.md": "---\nname: Ada\n---\n[x](/articles/harbor/)\n",
        "topics/energy.md": "---\nname: Energy\n---\n",
        "drafts/ferry/index.md": "---\ntitle: F\ndate: 2026-11-01\naliases: [/old/ferry.html]\ntopics: [boats]\n---\n## Fares\n\nText.\n",
        "drafts/secret.md": "---\ntitle: S\ndraft: true\n---\nText.\n",
        "drafts/harbour.md": "---\ntitle: H\nauthors: [ada]\ndate: 2026-11-01\n---\n[a](../ferry/#fares) [b](/old/Ferry.html)\n"
        "[c](/articles/fery/)\n[d](secret.md)\n[e](/topics/boats/) [f](/topics/bots/)\n[g](ferry.md#times) [h](/articles/harbour/)\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


EXPECTED = [
    "7: link: /articles/fery/ leads to no page in this folder; did you mean `ferry`?",
    "8: link: secret.md leads to an article that readers cannot get at present",
    "9: link: /topics/bots/ leads to no page in this folder; did you mean `boats`?",
    "10: link: ferry.md#times leads to a page without that anchor, so readers get its beginning",
]


@pytest.mark.parametrize("named", ["", "drafts", "drafts/harbour.md"])
def test_check_knows_the_newsroom_around_a_file(newsroom: Path, named: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(newsroom / named)]) == 0
    said = [line.partition("harbour.md:")[2] for line in capsys.readouterr().out.splitlines() if "harbour.md:" in line]
    assert [line.replace(" warning:", "") for line in said if "leads" in line] == EXPECTED


def test_build_warns_of_the_same_links(newsroom: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", "--drafts", str(newsroom), "--out", str(tmp_path / "out")]) == 0
    said = [line for line in capsys.readouterr().err.splitlines() if "leads to" in line]
    assert len([line for line in said if "harbour.md:" in line]) == 4
    assert [line for line in said if "ada.md:4" in line]


def test_a_link_to_a_draft_by_its_folder_is_told_its_slug(
    room: Newsroom, newsroom: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    typed, question = "../tram/", "did you mean `/articles/night-tram/`?"
    for name, text in {
        "drafts/tram/index.md": "---\ntitle: T\nslug: night-tram\n---\nText.\n",
        "drafts/harbour.md": f"---\ntitle: H\ndate: 2026-11-01\n---\n[a]({typed}) [b](other.md) [c](/x.md)\n",
    }.items():
        room.file(name, text)
        (newsroom / name).parent.mkdir(exist_ok=True)
        (newsroom / name).write_text(text)
    assert [w["message"].partition("; ")[2] for w in room.state("harbour")["warnings"]][:2] == [question, ""]
    assert main(["check", str(newsroom)]) == 0
    assert f"{typed} leads to no page in this folder; {question}" in capsys.readouterr().out


def test_a_link_by_file_name_to_an_embargoed_draft_says_so(
    room: Newsroom, newsroom: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in {
        "drafts/boat.md": "---\ntitle: B\nslug: night-boat\npublish_at: 2099-01-01\n---\nText.\n",
        "drafts/harbour.md": "---\ntitle: H\ndate: 2026-11-01\n---\n[a](boat.md)\n",
    }.items():
        room.file(name, text)
        (newsroom / name).write_text(text)
    told = "boat.md leads to an article that readers cannot get at present"
    assert [w["message"] for w in room.state("harbour")["warnings"]] == [told]
    assert main(["check", str(newsroom)]) == 0
    assert told in capsys.readouterr().out


def test_a_file_by_itself_is_not_blamed_for_what_may_be_elsewhere(
    newsroom: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = newsroom / "elsewhere" / "story.md"
    alone.parent.mkdir()
    alone.write_text("---\ntitle: S\ndate: 2026-11-01\n---\n[a](/articles/unknown/)\n")
    assert main(["check", str(alone)]) == 0
    assert "leads to" not in capsys.readouterr().out
