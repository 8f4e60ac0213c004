"""What an edition shows: the articles as they are now, and one mail for each tier, frozen until one of them changes.

Everything is read again before mails go out. An article that was withdrawn since is in no further mail, and one that an editor
has put behind a higher gate is shown as it is then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from nightdesk.domain.documents import Document, canonical_json, digest, parse_json
from nightdesk.domain.newsletters import ARTICLE, DIGEST, WRITTEN, Edition, one_line
from nightdesk.domain.site import Site
from nightdesk.domain.site_paths import key_of
from nightdesk.domain.views import view
from nightdesk.ports import Output, Ports
from nightdesk.rendering.article_pages import Article
from nightdesk.rendering.edition_mail import EditionText, TierMail, edition_mails, title_of
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.page_parts import card_facts
from nightdesk.repositories.private_bucket import (
    ASSET_CACHE,
    IMAGE_TYPES,
    JSON,
    edition_key,
    facts_from,
    load_site,
    profile_key,
    read_once,
)
from nightdesk.usecases.newsletters.clicks import record_links
from nightdesk.usecases.newsletters.mail_images import MailImages, mail_images
from nightdesk.usecases.newsletters.ports import NewsletterPorts
from nightdesk.usecases.newsletters.sources import Source, etags_of, is_enough, is_stopped, sources_of
from nightdesk.usecases.pipeline.converge import store
from nightdesk.usecases.pipeline.images import read_rendition


class Contents(NamedTuple):
    """What an edition shows.

    Attributes:
        etags: of each article that it shows, by the slug that the edition knows it by.
        mails: by tier.
    """

    subject: str
    etags: Mapping[str, str]
    mails: Mapping[str, TierMail]

    def to_bytes(self) -> bytes:
        """Return canonical JSON."""
        mails = {tier: mail._asdict() for tier, mail in self.mails.items()}
        return canonical_json({"subject": self.subject, "etags": dict(self.etags), "mails": mails})

    @classmethod
    def from_bytes(cls, raw: bytes) -> Contents:
        """Return the contents that `to_bytes` stored."""
        data = parse_json(raw)
        mails = {tier: TierMail(**mail) for tier, mail in data["mails"].items()}
        return cls(data["subject"], data["etags"], mails)

    @property
    def digest(self) -> str:
        """The SHA-256 of all mails."""
        return digest(self.to_bytes())


class Shown(NamedTuple):
    """What an edition shows, from which its mails and its page are made.

    Attributes:
        waits: True if an image of it is still being prepared.
        files: what its images are copies of: the SHA-256 of each, by its path. None of an article's, which are beside its page.
    """

    text: EditionText
    waits: bool
    files: Mapping[str, str]


def what_it_shows(
    edition: Edition, sources: Mapping[str, Source], ports: NewsletterPorts, site: Site, theme: Theme
) -> Shown:
    """Return what an edition shows now."""
    documents = [source.document for source in sources.values()]
    reading = read_once(ports.pipeline)
    images, cards, article = [], [], None
    is_written = edition.kind == WRITTEN
    if edition.kind in (ARTICLE, WRITTEN):
        images.append(mail_images(documents[0], site, reading))
        article = _article(documents[0], images[0], reading, edition.path if is_written else "")
    for document in () if is_written else documents:
        lead = replace(
            document, assets=tuple(each for each in document.assets if each.name == document.hero.get("src"))
        )
        images.append(mail_images(lead, site, reading))
        cards.append(_card(document, images[-1], reading))
    subject = subject_of(edition, documents, site, theme)
    address = site.postal_address or ports.postal_address
    text = EditionText(replace(edition, subject=subject), article, cards, address)
    files = {edition.path + name: sha256 for name, sha256 in images[0].copies.items()} if is_written else {}
    return Shown(text, any(each.waits for each in images), files)


def store_images(shown: Shown, ports: Ports) -> None:
    """Copy the images of an edition that was written by hand beside its page, unless they are there."""
    for path, sha256 in shown.files.items():
        # A file of such a name never has other bytes.
        if not ports.site.stat(key_of(path)):
            content_type = IMAGE_TYPES[path[path.rindex(".") :]]
            store(ports.site, Output(key_of(path), read_rendition(sha256, ports), content_type, ASSET_CACHE))


def subject_of(edition: Edition, documents: Iterable[Document], site: Site, theme: Theme) -> str:
    """Return the subject of an edition: the title of its article, after its name if it collects several."""
    title = next((document.title for document in documents), "")
    if edition.kind == DIGEST:
        title = theme.text(site)(
            "edition.digest_subject", newsletter=title_of(theme, site, edition.newsletter), title=title
        )
    return one_line(title)


def make_contents(
    edition: Edition, sources: Mapping[str, Source], ports: NewsletterPorts, site: Site, theme: Theme
) -> Contents:
    """Make the mails of an edition, one for each tier of the site, to be looked at."""
    shown = what_it_shows(edition, sources, ports, site, theme).text
    # Links are recorded when the mails are stored, which these are not.
    return contents_of(shown, sources, replace(site, count_clicks=False), theme)


def contents_of(shown: EditionText, sources: Mapping[str, Source], site: Site, theme: Theme) -> Contents:
    """Make the mails of an edition from what it shows."""
    mailed = replace_cards(shown)
    document = mailed.article.document if mailed.article else None
    views = [view(document or Document(""), tier, site) for tier in site.tiers]
    mails = edition_mails(theme, site, mailed, views)
    return Contents(shown.edition.subject, etags_of(sources), dict(zip(site.tiers, mails, strict=True)))


def replace_cards(shown: EditionText) -> EditionText:
    """Return what a mail shows: an article that is mailed whole needs no card beside it."""
    return shown._replace(cards=()) if shown.article else shown


def store_contents(edition: Edition, contents: Contents, ports: Ports) -> None:
    """Keep the mails of an edition, over earlier ones."""
    store(ports.private, Output(edition_key(edition.id), contents.to_bytes(), JSON))


def load_contents(edition: Edition, ports: Ports) -> Contents | None:
    """Return the mails of an edition as they were stored last; None before they were made."""
    blob = ports.private.get(edition_key(edition.id))
    return Contents.from_bytes(blob.body) if blob else None


class PicturesAwaited(Exception):
    """An image that the edition shows is still being prepared."""


def current_contents(
    edition: Edition,
    known: Contents | None,
    ports: NewsletterPorts,
    theme: Theme,
    patient: bool = False,
    as_test: bool = False,
) -> Contents | None:
    """Return an edition's mails as they must be now: those that are `known`, unless an article of theirs has changed.

    Args:
        patient: do not go without images that are still being prepared.
        as_test: it goes to an editor, who may see a text by hand that is a draft or has expired.

    Returns:
        None if too little is left to send.

    Raises:
        PicturesAwaited: there are such images, and `patient` is set.
    """
    site = load_site(ports.pipeline)
    sources = sources_of(edition, site, ports.pipeline)
    if not sources or not is_enough(edition, sources):
        return None
    if not as_test and is_stopped(edition, sources, ports.pipeline.clock()):
        return None
    if known and known.etags == etags_of(sources) and set(known.mails) == set(site.tiers):
        return known
    shown = what_it_shows(edition, sources, ports, site, theme)
    if patient and shown.waits:
        raise PicturesAwaited
    contents = contents_of(shown.text, sources, site, theme)
    store_images(shown, ports.pipeline)
    record_links(edition.id, (url for mail in contents.mails.values() for url in mail.links), ports.editions)
    store_contents(edition, contents, ports.pipeline)
    return contents


def _profiles(kind: str, names: Iterable[tuple[str, str]], ports: Ports) -> list[Mapping[str, Any] | None]:
    blobs = [ports.private.get(profile_key(kind, identifier)) for identifier, _ in names]
    return [facts_from(blob.body) if blob else None for blob in blobs]


def _article(document: Document, images: MailImages, ports: Ports, place: str) -> Article:
    authors, topics = _profiles("author", document.authors, ports), _profiles("topic", document.topics, ports)
    return Article(document, authors, topics, pictures=images.files, plain=True, place=place)


def _card(document: Document, images: MailImages, ports: Ports) -> dict[str, Any]:
    authors, topics = _profiles("author", document.authors, ports), _profiles("topic", document.topics, ports)
    return card_facts(document, authors, topics, images.files.get(document.hero.get("src", "")))
