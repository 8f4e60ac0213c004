"""The social cards of articles: what they show, when pages name them, and what they never show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from unittest.mock import patch

import pytest
from nightdesk.adapters.memory import memory_ports
from nightdesk.adapters.picture_maker import PillowPictures
from nightdesk.domain.documents import digest
from nightdesk.domain.errors import Permanent
from nightdesk.domain.events import RegateRequested, SocialCardRequested, parse_event
from nightdesk.domain.site import Site
from nightdesk.domain.social_cards import CardOrder
from nightdesk.entrypoints.folder_build import Options, build
from nightdesk.entrypoints.folder_pictures import FolderPictures
from nightdesk.ports import ANY, Output
from nightdesk.rendering.environment import Theme
from nightdesk.repositories.private_bucket import (
    image_key,
    load_derivatives,
    load_social_card,
    rendition_key,
    social_card_key,
)
from nightdesk.usecases.pipeline.reconcile import compare, request_repairs
from nightdesk.usecases.pipeline.social_cards import draw_card, draw_headline, draw_once
from PIL import Image
from simulation.pictures import PlainPictures
from support.memory_newsroom import Newsroom


def tags(text: str) -> dict[str, str]:
    """Return what other sites read of a page."""
    return dict(re.findall(r'<meta (?:property|name)="((?:og:image|twitter:)[a-z:]*)" content="([^"]*)">', text))


def publish(room: Newsroom, body: str = "Text.", **matter: str) -> None:
    lines = "".join(f"{key}: {value}\n" for key, value in {"title": "The quay", "date": "2026-11-01", **matter}.items())
    room.file("drafts/quay/index.md", f"---\n{lines}---\n{body}\n")


def orders(room: Newsroom) -> list[CardOrder]:
    """Return which cards with photographs were ordered since the last call, without repetitions."""
    wanted = dict.fromkeys(event.card for event in room.emitted(SocialCardRequested))
    return [order for card in wanted if (order := load_social_card(card, room.bare))]


def front_card(room: Newsroom, path: str) -> tuple[str, bytes]:
    """Return the description and the bytes of the card of a topic's or author's front."""
    found = tags(room.page(path))
    return found["og:image:alt"], room.site.outputs[path[1:] + found["og:image"].rpartition("/")[2]].body


def card_of(room: Newsroom, slug: str = "quay") -> bytes:
    """Return the bytes that other sites get for a page's card."""
    address = tags(room.page(f"/articles/{slug}/"))["og:image"]
    assert re.fullmatch(rf".*/articles/{slug}/card\.[0-9a-f]{{64}}-1200\.public\.jpg", address)
    return room.site.outputs[f"articles/{slug}/~public/{address.rpartition('/')[2]}"].body


def drawn_for(room: Newsroom, slug: str = "quay") -> CardOrder:
    """Return what the card of a page with a headline was drawn from."""
    return CardOrder.from_bytes(card_of(room, slug).removeprefix(b"card "))


# --- What a card shows ---


def test_an_article_without_pictures_has_its_headline_on_the_card(room: Newsroom) -> None:
    publish(room, topics="[energy]")
    order = drawn_for(room)
    assert order == CardOrder(order.site_name, "The quay", "Energy")
    assert orders(room) == []
    found = tags(room.page("/articles/quay/"))
    assert (found["og:image:width"], found["og:image:height"]) == ("1200", "630")
    assert (found["og:image:alt"], found["og:image:type"]) == ("The quay", "image/jpeg")
    assert found["twitter:card"] == "summary_large_image"


def test_the_card_shows_the_lead_image_with_its_label(room: Newsroom) -> None:
    room.file("drafts/quay/quay.png", "lead")
    publish(
        room, hero="{src: quay.png, alt: A quay, focus: 30% 40%, credit: Ada, source_type: trainedAlgorithmicMedia}"
    )
    [order] = orders(room)
    assert (order.lead, order.focus, order.credit) == (digest(b"lead"), "30% 40%", "Ada")
    assert order.label == room.theme.text(Site())("image.ai_generated")
    assert card_of(room).endswith(b"lead")
    assert tags(room.page("/articles/quay/"))["og:image:alt"] == f"A quay ({order.label})"


def test_an_article_that_is_closed_shows_no_picture_on_its_card(room: Newsroom) -> None:
    room.file("drafts/quay/quay.png", "lead")
    publish(room, hero="{src: quay.png, alt: A quay}", access="member")
    assert drawn_for(room).lead == ""
    assert orders(room) == []
    assert tags(room.page("/articles/quay/"))["og:image:alt"] == "The quay"


def test_hidden_text_and_gated_pictures_are_on_no_card(room: Newsroom) -> None:
    room.file("drafts/quay/quay.png", "gated picture")
    publish(room, "Free.\n\n::: gate tier=member\nHidden words.\n\n![A quay](quay.png)\n:::")
    assert b"gated picture" not in card_of(room)
    assert b"Hidden words" not in card_of(room)


@pytest.mark.parametrize(
    ("name", "body"),
    [(name, "<svg xmlns='http://www.w3.org/2000/svg'/>") for name in ("quay.svg", "quay.png")]
    + [("quay.png", "broken")],
)
def test_a_drawing_or_a_broken_lead_image_gives_way_to_the_headline(room: Newsroom, name: str, body: str) -> None:
    room.file(f"drafts/quay/{name}", body)
    publish(room, hero=f"{{src: {name}, alt: A quay}}")
    assert {order.lead for order in orders(room)} <= {digest(body.encode())}
    assert drawn_for(room).headline == "The quay"


def test_a_small_lead_image_gives_way_to_the_headline(room: Newsroom) -> None:
    inspect = PlainPictures.inspect
    with patch.object(PlainPictures, "inspect", lambda self, data: inspect(self, data)._replace(width=599)):
        room.file("drafts/quay/quay.png", "lead")
    publish(room, hero="{src: quay.png, alt: A quay}")
    assert drawn_for(room).lead == ""


def test_fronts_of_topics_and_authors_have_their_names_on_their_cards(room: Newsroom) -> None:
    room.file("authors/ada.md", "---\nname: Ada Lind\nkind: ai\n---\nBio.\n")
    publish(room, topics="[energy]", authors="[ada]")
    for path, name in (("/topics/energy/", "Energy"), ("/authors/ada/", "Ada Lind")):
        alt, body = front_card(room, path)
        assert alt == name
        assert name.encode() in body
    assert room.theme.text(Site())("author.ai_persona").encode() in front_card(room, "/authors/ada/")[1]
    room.file("topics/energy.md", "---\nname: Power\n---\n")
    assert front_card(room, "/topics/energy/")[0] == "Power"
    assert not room.emitted(SocialCardRequested)


# --- When ---


def until_live(room: Newsroom, matter: str = "") -> None:
    """Upload a draft, and let the stages work until there is a page."""
    room.upload("drafts/quay/index.md", f"---\ntitle: The quay\ndate: 2026-11-01\n{matter}---\nText.\n".encode())
    while not room.page("/articles/quay/"):
        room.process_next()


def test_a_page_has_its_headline_on_the_card_at_once(room: Newsroom) -> None:
    until_live(room)
    assert drawn_for(room).headline == "The quay"


def test_a_page_does_not_wait_for_a_card_with_a_photograph(room: Newsroom) -> None:
    room.file("drafts/quay/quay.png", "lead")
    until_live(room, "hero: {src: quay.png, alt: A quay}\n")
    assert "card." not in room.page("/articles/quay/")
    room.process_all()
    assert card_of(room).endswith(b"lead")


def test_a_card_is_drawn_once_for_a_headline(room: Newsroom) -> None:
    publish(room, topics="[energy]")
    first = card_of(room)
    with patch.object(PlainPictures, "draw_card", side_effect=AssertionError):
        publish(room, "Other text.", topics="[energy]")
    assert card_of(room) == first
    publish(room, title="Another headline")
    assert drawn_for(room).headline == "Another headline"
    cards = [key for key in room.site.outputs if key.startswith("articles/") and "/card." in key]
    assert len(cards) == 1, "the card with the old headline is gone"


def test_a_scheduled_article_has_its_card_when_it_goes_live(room: Newsroom) -> None:
    room.file("drafts/quay/quay.png", "lead")
    publish(room, publish_at="2026-11-24", hero="{src: quay.png, alt: A quay}")
    assert len(orders(room)) == 1
    assert not any("/card." in key for key in room.site.outputs), "until then nobody gets it"


def test_a_card_disappears_with_its_article(room: Newsroom) -> None:
    publish(room)
    room.file("drafts/quay/index.md", None)
    [card] = [output for key, output in room.site.outputs.items() if "/card." in key]
    assert (card.body, card.metadata["status"]) == (b"", "410")


def test_a_draft_and_a_moved_article_have_no_card(room: Newsroom) -> None:
    room.file("drafts/quay/quay.png", "lead")
    publish(room, draft="true", hero="{src: quay.png, alt: A quay}")
    assert orders(room) == []
    publish(room, slug="other")
    publish(room, slug="wharf")
    assert not [
        key
        for key in room.site.outputs
        if key.startswith("articles/other/~public/card.") and room.site.outputs[key].body
    ]


# --- Bad input ---


def test_settings_without_cards_order_none(room: Newsroom) -> None:
    room.file("site.yaml", "name: The Quay\nsocial_cards: false\n")
    publish(room, topics="[energy]")
    assert room.emitted(SocialCardRequested) == []
    assert "card." not in room.page("/articles/quay/") + room.page("/topics/energy/")


def test_a_request_for_a_card_that_nobody_ordered_does_nothing(room: Newsroom) -> None:
    assert draw_card("/articles/quay/", "a" * 64, room.ports, PlainPictures()) is None
    assert load_derivatives("a" * 64, room.bare) is None


def test_a_request_of_an_earlier_release_for_a_card_with_a_headline_does_nothing(room: Newsroom) -> None:
    order = CardOrder("The Quay", "The quay")
    room.bare.private.put(Output(social_card_key(order.id), order.to_bytes(), "application/json"), ANY)
    for page in ("/articles/quay/", "/topics/energy/"):
        assert draw_card(page, order.id, room.ports, PlainPictures()) is None
    assert room.emitted(RegateRequested) == []


@pytest.mark.parametrize("page", ["/articles/", "/articles/a/b/", "articles/a/", "/preview/a/", "/articles/../a/"])
def test_a_request_must_name_a_page(page: str) -> None:
    with pytest.raises(Permanent):
        parse_event("SocialCardRequested", {"version": 1, "page": page, "card": "a" * 64})


class _NoFonts(PlainPictures):
    def draw_card(self, *_: object) -> Iterator[object]:  # type: ignore[override]
        raise Permanent("gives no social card")


def test_a_card_that_cannot_be_drawn_is_not_tried_again(room: Newsroom) -> None:
    room.file("drafts/quay/quay.png", "lead")
    publish(room, hero="{src: quay.png, alt: A quay}")
    order = CardOrder("Site", "Headline", lead=digest(b"lead"))
    drawn = draw_once(order, room.ports, _NoFonts())
    assert (drawn.refusal, drawn.renditions) == ("gives no social card", ())
    assert load_derivatives(order.id, room.bare) == drawn


def test_a_headline_and_a_name_that_cannot_be_written_give_no_card(room: Newsroom) -> None:
    room.file("site.yaml", "name: 夜の新聞\n")
    publish(room, title="東京の夜", topics="[energy]")
    assert tags(room.page("/articles/quay/")) == {"twitter:card": "summary"}
    assert front_card(room, "/topics/energy/")[0] == "Energy"
    room.file("site.yaml", "name: The Quay\n")
    assert drawn_for(room).headline == "東京の夜", "the site's name can be written"


@pytest.mark.parametrize("where", ["articles/quay/~public/card.", "topics/energy/card."])
def test_a_lost_card_with_a_headline_is_drawn_again_the_next_night(room: Newsroom, theme: Theme, where: str) -> None:
    publish(room, topics="[energy]")
    [lost] = [key for key in room.site.outputs if key.startswith(where)]
    body = room.site.outputs[lost].body
    room.bare.site.delete(lost)
    found = compare(room.bare, theme)
    assert found.articles or found.lists
    request_repairs(found, room.ports)
    room.deliver_emitted()
    room.process_all()
    assert room.site.outputs[lost].body == body
    assert not compare(room.bare, theme)


def test_a_lost_card_with_a_photograph_is_drawn_again_the_next_night(room: Newsroom, theme: Theme) -> None:
    room.file("drafts/quay/quay.png", "lead")
    publish(room, hero="{src: quay.png, alt: A quay}")
    [order] = orders(room)
    drawn = load_derivatives(order.id, room.bare)
    assert drawn
    room.bare.private.delete(rendition_key(drawn.renditions[0].sha256))
    found = compare(room.bare, theme)
    assert found.social_cards == (("/articles/quay/", order.id),)
    request_repairs(found, room.ports)
    room.deliver_emitted()
    room.process_all()
    assert not compare(room.bare, theme)


def test_a_card_that_was_never_ordered_is_ordered_the_next_night(room: Newsroom, theme: Theme) -> None:
    room.file("drafts/quay/quay.png", "lead")
    publish(room, hero="{src: quay.png, alt: A quay}")
    [order] = orders(room)
    room.bare.private.delete(f"derivatives/{order.id}.json")
    room.bare.private.delete(f"cards/{order.id}.json")
    found = compare(room.bare, theme)
    assert found.articles == ("quay",)
    request_repairs(found, room.ports)
    room.deliver_emitted()
    room.process_all()
    assert not compare(room.bare, theme)
    assert card_of(room)


# --- Names and pixels ---


def test_a_name_follows_from_everything_that_a_card_is_drawn_from() -> None:
    order = CardOrder("Site", "Headline")
    others = [order._replace(**{name: "other"}) for name in order._fields]
    assert len({order.id, *(other.id for other in others)}) == 9
    assert CardOrder.from_bytes(order.to_bytes()) == order


def test_pillow_draws_what_was_ordered() -> None:
    out = BytesIO()
    Image.new("RGB", (1600, 900), (30, 160, 60)).save(out, "PNG")
    sha256, ports = digest(out.getvalue()), memory_ports(pictures=PillowPictures())
    ports.private.put(Output(image_key(sha256), out.getvalue(), "image/png"), ANY)
    order = CardOrder("Site", "", lead=sha256, focus="10% 90%", credit="Ada")
    [rendition] = draw_once(order, ports, PillowPictures()).renditions
    stored = ports.private.get(rendition_key(rendition.sha256))
    assert stored
    assert b"Ada" in stored.body, "the credit is written into the file"
    for body in (stored.body, draw_headline(CardOrder("Site", "Headline", credit="Ada"), ports)):
        assert Image.open(BytesIO(body)).size == (1200, 630)
    assert b"Ada" not in body


def test_a_build_draws_cards_once_and_without_images_none(tmp_path: Path, room: Newsroom, theme: Theme) -> None:
    drafts = tmp_path / "drafts"
    drafts.mkdir()
    (drafts / "quay.md").write_text("---\ntitle: The quay\ndate: 2026-11-01\n---\nText.\n", "utf-8")
    options = Options(pictures=FolderPictures(PlainPictures(), tmp_path / "cache"))
    build(drafts, tmp_path / "out", theme, room.now, options)
    [card] = (tmp_path / "out" / "articles").rglob("card.*.jpg")
    assert card.read_bytes().startswith(b"card ")
    with patch.object(PlainPictures, "draw_card", side_effect=AssertionError):
        build(drafts, tmp_path / "again", theme, room.now, options)
    assert [path.name for path in (tmp_path / "again" / "articles").rglob("card.*.jpg")] == [card.name]
    build(drafts, tmp_path / "plain", theme, room.now, Options())
    assert not [*(tmp_path / "plain").rglob("card.*")]
