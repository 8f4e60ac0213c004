"""The catalogue of problems: what can be wrong with a file in the drafts bucket, and what its author should know.

Every problem that Nightdesk reports is made from one of the kinds below, so this module lists them all. `docs/drafts.md`
has the same list for authors; a test compares the two.

Plain classes and named tuples, since each function loads this module during its cold start: an enumeration of this size
takes several times as long to define.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple

_MAX_KEY, _MAX_MESSAGE, _MAX_QUOTED = 100, 500, 200


class Effect(Enum):
    """What happens to a file that has the problem."""

    REJECTED = "The file is rejected; a version that is live stays live"
    LEFT_OUT = "The file is published without the part in question"
    HELD = "The file is accepted, and waits for an editor"
    NOTED = "The file is published as it was typed"
    LEFT_ALONE = "The file is left alone"
    OVERRULED = "An editor's decision counts instead of what the file says"


class ProblemKind:
    """A kind of problem.

    Attributes:
        id: the name by which documents refer to it.
        effect: what happens to the file.
        template: the message, with the names of the values to fill in between braces.
    """

    __slots__ = ("effect", "id", "template")

    def __init__(self, effect: Effect, template: str) -> None:
        self.id = ""
        self.effect = effect
        self.template = template

    def __set_name__(self, owner: type, name: str) -> None:
        self.id = name.lower().replace("_", "-")

    def __repr__(self) -> str:
        return f"<ProblemKind {self.id}>"

    def message(self, **values: Any) -> str:
        """Return the message with `values` filled in; typed text is cut to 200 characters."""
        if "typed" in values:
            values["typed"] = str(values["typed"])[:_MAX_QUOTED]
        return self.template.format(**values)

    def at(self, line: int, key: str = "", suggestion: str = "", **values: Any) -> Problem:
        """Return a problem of this kind.

        Args:
            line: in the file, from 1; 0 for the file as a whole.
            key: the front-matter key, directive or attribute; empty if there is none.
            suggestion: what the author probably meant, as a question such as “did you mean `summary`?”.
            values: what the message mentions.
        """
        return Problem(line, key, self.message(**values), suggestion, self)


class Problem(NamedTuple):
    """One problem in one file; see `ProblemKind.at`."""

    line: int
    key: str
    message: str
    suggestion: str
    kind: ProblemKind

    def __str__(self) -> str:
        where = f"{self.line}: " if self.line else ""
        return f"{where}{self.key + ': ' if self.key else ''}{self.text}"

    @property
    def text(self) -> str:
        """The message and the suggestion."""
        return f"{self.message}; {self.suggestion}" if self.suggestion else self.message

    def to_json(self) -> dict[str, Any]:
        """Return `line`, `key` and `message` as JSON values, short enough for a table's item and an event."""
        return {"line": self.line, "key": self.key[:_MAX_KEY], "message": self.text[:_MAX_MESSAGE]}


def _rejected(template: str) -> ProblemKind:
    return ProblemKind(Effect.REJECTED, template)


def _left_out(template: str) -> ProblemKind:
    return ProblemKind(Effect.LEFT_OUT, template)


def _held(template: str) -> ProblemKind:
    return ProblemKind(Effect.HELD, template)


def _noted(template: str) -> ProblemKind:
    return ProblemKind(Effect.NOTED, template)


def _left_alone(template: str) -> ProblemKind:
    return ProblemKind(Effect.LEFT_ALONE, template)


def _overruled(template: str) -> ProblemKind:
    return ProblemKind(Effect.OVERRULED, template)


class Kind:
    """The catalogue: every kind of problem."""

    # Files
    FILE_TOO_LARGE = _rejected("the file has {size:,} bytes; the limit is 1 MiB (1,048,576 bytes)")
    NOT_UTF8 = _rejected("the file is not UTF-8; save it in that encoding")
    NUL_CHARACTER = _rejected("the line contains a NUL character; delete it")
    FILE_HIDDEN = _rejected("its name, or that of its folder, begins with a dot; hidden files are not published")
    FILE_ORPHAN = _left_alone("no text lies in its folder; move it to {folder}index.md")
    FILE_OTHER = _left_alone("it is neither Markdown nor a file that articles can show or offer")
    FILE_OUTSIDE = _left_alone("it is outside the folders drafts, authors, topics, pages and updates")
    FILE_LINK_TO_FOLDER = _rejected("is a link to a folder, which is not followed; put the folder itself here")
    FILE_UNREADABLE = _rejected("cannot be read: its name, its permissions, or what it links to forbid that")
    SITE_FILE_NAME = _rejected("is not read: the settings are in site.yaml; rename the file")
    FILE_PLACE = _rejected("is at a place that is not read; move it to {form}")
    FILE_SUFFIX = _rejected("a file that ends in “{typed}” is not read; rename it to end in .md")
    FILE_TEMPORARY = _rejected("is a temporary file or a conflicted copy of an editor or a sync program")
    IMAGE_STRAY = _left_alone(
        "images lie in the folder of a draft (drafts/<name>/) or of a newsletter (newsletters/<name>/), or beside an author's profile"
    )
    ATTACHMENT_STRAY = _left_alone("files for readers to download lie in the folder of a draft (drafts/<name>/)")
    SAME_KEY = _rejected("would be published as {name}, which {other} already is; rename one of the two")
    FILE_NAME_WITHOUT_LETTERS = _rejected("no id can be made from the file name “{typed}”; rename the file")

    # Front matter
    FRONT_MATTER_DOTS = _rejected("the front matter ends with “...” here; end it with a line of --- instead")
    FRONT_MATTER_FENCES = _rejected("the keys in lines {first} to {last} need a line of --- before and after them")
    FRONT_MATTER_MISSING = _rejected("the file must begin with front matter: a line of ---, keys, a line of ---")
    FRONT_MATTER_TWICE = _rejected("is in a second front matter; put all keys between the first two lines of {fence}")
    FRONT_MATTER_UNCLOSED = _rejected("the front matter is never closed; end it with a line of {fence}")
    FRONT_MATTER_WITHOUT_KEYS = _rejected("front matter must be keys with values, such as “title: …”")
    FRONT_MATTER_TOO_DEEP = _rejected("the front matter is nested too deeply; at most 20 levels are accepted")
    YAML_ALIAS = _rejected("YAML aliases (&name, *name) are not supported; repeat the value, or put it in quotes")
    YAML_BRACKET_UNCLOSED = _rejected(
        "the YAML does not parse: a bracket that begins here is not closed, or lacks a comma; put values with # in quotes"
    )
    YAML_COLON = _rejected("the YAML does not parse: the value contains “: ”; put it in quotes")
    YAML_DOCUMENTS = _rejected("the front matter holds several YAML documents; only one is allowed")
    YAML_ESCAPE = _rejected("the YAML does not parse: “\\” has a meaning in double quotes; use single quotes")
    YAML_INVALID = _rejected("the YAML does not parse: put the value in quotes, or check indentation and quotes")
    YAML_KEY_UNFINISHED = _rejected("the YAML does not parse: a key needs a colon and a space, such as “title: …”")
    YAML_QUOTE_UNCLOSED = _rejected("the YAML does not parse: the quote that begins here is never closed")
    YAML_RESERVED_CHARACTER = _rejected("the YAML does not parse: no value can begin with “{typed}”; put it in quotes")
    YAML_TAB = _rejected("the YAML does not parse: a tab is used for indentation; use spaces")
    TOML_INVALID = _rejected("the TOML does not parse: each key needs “=” and a value, and each text needs quotes")
    TOML_KEY_REPEATED = _rejected("the TOML does not parse: a key is set twice")
    KEY_MISSPELT = _rejected("write the key as `{name}`")
    KEY_NOT_TEXT = _rejected("a key must be plain text")
    KEY_REPEATED = _rejected("the key is set twice, here and in line {first}, with different values")
    KEYS_CONTRADICT = _rejected("says something else than `{other}` in line {first}, which means the same; keep one")
    LANGUAGE_UNSPOKEN = _noted(
        "the words around articles are in English, because the theme has none in “{typed}”; it has {languages}"
    )
    KEY_UNUSED = _noted("is not used, because `{other}` in line {first} says the same thing in other words")
    LATER_DATE_COUNTS = _noted("differs from `{other}` in line {first}, which means the same; the later moment counts")
    NUMBER_TOO_LONG = _rejected("a number has too many digits; put it in quotes")

    # Values of any key
    CUT_BY_YAML = _rejected("“{typed}” has a meaning in YAML and would be lost; put the whole value in quotes")
    CONTROL_CHARACTER = _rejected("contains a control character; delete it")
    NOT_FLAG = _rejected("must be true or false")
    NOT_KEYS = _rejected("each entry must have keys, such as “- title: …”")
    NOT_TEXT = _rejected("must be text; if it begins with [ or {{, put the whole value in quotes")
    NOT_TEXTS = _rejected("must be a list of texts")
    TEXT_TOO_LONG = _rejected("has {count:,} characters; the limit is {limit:,}")
    TIMESTAMP_FORM = _rejected("“{typed}” is not a date such as 2026-11-23 or 2026-11-23T03:10:00+01:00")
    TIMESTAMP_IMPOSSIBLE = _rejected("“{typed}” is not a date in the calendar or not a time of day; check the numbers")
    TIMESTAMP_YEAR = _rejected("“{typed}” must be in the years 1000 to 9998")
    TOO_MANY_ENTRIES = _rejected("has {count:,} entries; the limit is {limit}")
    UNKNOWN_KEY = _noted("is not a known key; it is kept but not used")
    UNKNOWN_SETTING = _left_out("is not a known key; it is ignored")

    # Drafts
    ALIAS_INVALID = _rejected("“{typed}” must be a path on this site, such as /2019/03/old-name/")
    ALIAS_RESERVED = _left_out("“{typed}” cannot redirect: the site itself owns {path}")
    ALIAS_TAKEN = _left_out("{path} does not redirect here: {holder} has it")
    ALIAS_UNREACHABLE = _left_out(
        "“{typed}” cannot redirect: pages are not told apart by this query; name an id, as in /?p=12"
    )
    NOT_THE_OWNER = _rejected("this draft belongs to another writer; ask an editor to hand it over")
    IMAGE_NOT_BY_OWNER = _rejected("“{image}” was uploaded by a writer to whom this draft does not belong")
    APPROVAL_MISSING = _held("an editor must approve it before it goes live")
    APPROVAL_OUTDATED = _held("has changed since {name} approved it; an editor must approve it again")
    APPROVAL_PENDING = _noted("awaits an approval; readers still get the version that {name} approved")
    CORRECTION_INCOMPLETE = _rejected("a correction needs a date and a text")
    HERO_ALT_MISSING = _noted("describe the image for readers who cannot see it")
    HERO_FORM = _rejected("must be the file name of an image, or keys: src, alt, caption, credit, source_type, focus")
    FOCUS_FORM = _left_out("“{typed}” is not a point such as 30% 40%, so cards show the middle of the image")
    HERO_SRC_MISSING = _rejected("must name the file of the image")
    ID_WITHOUT_LETTERS = _rejected("“{typed}” has no letters or digits to make an id from")
    NAME_OF_ANOTHER = _noted(
        "“{typed}” has the id {id}, under which {other} is known; write an id of your own for each"
    )
    PROFILE_MISSING = _noted("{kind}/{id}.md does not exist; the name is made from the id")
    PROFILE_REQUIRED = _rejected("{kind}/{id}.md does not exist, and site.yaml requires it")
    IDS_EQUAL = _rejected("“{typed}” and “{other}” would both get the id {id}; write an id of your own for each")
    TRANSLATION_OF_INVALID = _left_out("“{typed}” is not the slug of an article, so this one is not linked with it")
    TRANSLATION_OF_ITSELF = _left_out("names this article itself; name the one of which it is a translation")
    TRANSLATION_OF_TRANSLATION = _noted("“{typed}” is itself a translation, so this article is not linked with it")
    LASTMOD_FUTURE = _left_out("“{typed}” is later than the file itself, so the page does not show it")
    CORRECTION_FUTURE = _rejected("“{typed}” is later than the file itself; write when the text was corrected")
    EXPIRES_FIRST = _noted("“{typed}” is not later than the date from which readers could get the article")
    FILE_NAME_DATE = _noted(
        "the file’s name begins with “{typed}”, which is not read as the date; write “date: …”, or begin the name like 2014-05-27-"
    )
    WAITS_LIKE_EMBARGO = _noted("“{typed}” is in the future, so the article waits until then, as with `publish_at`")
    MAYBE_EMBARGO = _rejected("“{typed}” is in the future: write it as `publish_at`, or rename what is no embargo")
    MAYBE_HIDDEN = _rejected("may hide the article: write `draft: true` or `access: …` above, or rename the key")
    KEPT_FROM_READERS = _noted("keeps the article from readers, as `draft: true` does")
    SLUG_FROM_FILE_NAME = _rejected("no slug can be made from the file name “{typed}”; add a “slug: …”")
    SLUG_INVALID = _rejected("“{typed}” must be lower-case letters, digits and single hyphens, such as {slug}")
    STATUS_UNKNOWN = _rejected("“{typed}” is not a status; write draft, published or scheduled, or leave the key out")
    SLUG_TAKEN = _rejected("the slug “{slug}” is held by {holder}; choose another")
    SLUG_TOO_LONG = _rejected("has {count} characters; a slug may have {limit}")
    SOURCE_EMPTY = _rejected("a source needs a title or a url")
    SOURCE_TYPE_UNKNOWN = _rejected(
        "“{typed}” is not an IPTC digital source type, such as trainedAlgorithmicMedia or digitalCapture"
    )
    SOURCE_URL = _rejected("“{typed}” is not a web address")
    TIER_UNKNOWN = _rejected("“{typed}” is not a tier of this site; the tiers are {tiers}")
    TITLE_MISSING = _rejected("every draft needs a title")

    # The body
    CODE_UNCLOSED = _rejected("the code block around this line is never closed, so the line may not be meant as code")
    COMMENT_RESERVED = _rejected("a comment that begins with “:::” is not allowed")
    DIRECTIVE_INVALID = _rejected(
        'the line begins with ::: and is not understood; write ::: gate tier={tier} teaser="…"'
    )
    DIRECTIVE_UNKNOWN = _rejected("there is no such directive; there are “gate”, “figure” and “ai”")
    ATTRIBUTE_REPEATED = _rejected("is set twice")
    FENCE_STRAY = _rejected(
        "this ::: closes nothing; a gate opens with “::: gate tier=…”, a figure with “::: figure src=…”"
    )
    AI_ATTRIBUTE_UNKNOWN = _rejected("“::: ai” has “source_type” and “note”, and nothing else")
    AI_HOLDS_DIRECTIVE = _rejected(
        "cannot be inside “::: ai”, which opens in line {opened}; put that into the gate instead"
    )
    AI_SOURCE_TYPE = _rejected("“{typed}” is not a source type of what a machine made, such as trainedAlgorithmicMedia")
    AI_UNCLOSED = _rejected("this “::: ai” is never closed; add a line of {fence} below it")
    FIGURE_ATTRIBUTE_UNKNOWN = _rejected("a figure has “src”, “alt”, “caption”, “credit” and “source_type”")
    FIGURE_INVALID = _rejected(
        'the line is not understood; write ::: figure src=chart.png alt="…" caption="…", with each text in straight quotes'
    )
    FIGURE_NOT_EMPTY = _rejected(
        'a figure holds nothing: close it before this with a line of {fence}, and write what stands below it as caption="…"'
    )
    FIGURE_SRC_MISSING = _rejected("a figure must name the file of its image, such as src=chart.png")
    FIGURE_SWALLOWED = _rejected(
        "the text around this figure makes it part of something else; add blank lines, and close the HTML before it"
    )
    FIGURE_UNCLOSED = _rejected("this figure is never closed; add a line of {fence} below it")
    GATE_ATTRIBUTE_UNKNOWN = _rejected("a gate has “tier”, “teaser”, “source_type” and “note”, and nothing else")
    GATE_FOREIGN = _rejected(
        "the line looks like a gate, and would hide nothing; write ::: gate tier=… before the text"
    )
    GATE_IN_GATE = _rejected("a gate cannot be inside a gate (the one that opens in line {opened})")
    GATE_IN_HTML = _rejected("HTML is left open around this gate; a gate cannot be inside HTML")
    GATE_NOT_ALLOWED = _rejected("gates and figures are for articles only; this file is public as a whole")
    GATE_OUT_OF_PLACE = _rejected(
        "a gate or figure must begin at the start of a line, outside lists, quotes, HTML and indented text"
    )
    GATE_SWALLOWED = _rejected("the text around a gate makes the gate part of something else; add blank lines")
    GATE_TIER = _rejected("“{typed}” is not a tier that a gate can have; the tiers are {tiers}")
    GATE_UNCLOSED = _rejected("this gate is never closed; add a line of :::")
    GATES_TOO_MANY = _rejected("an article may have at most {limit} gates")
    ANCHOR_DEAD = _left_out("{typed} leads to no heading of this text, so the text is shown without the link")
    ARTICLE_EMPTY = _noted("the {what} has no text")
    ATTACHMENT_KIND = _left_out(
        "{typed} is not a kind of file that readers can download ({kinds}), so the text is shown without the link"
    )
    ATTACHMENT_MISSING = _left_out("{typed} is not in the draft's folder, so the text is shown without the link")
    ATTACHMENT_UNUSABLE = _left_out("the text is shown without the link: the file “{typed}” {what}")
    COMMENT_UNCLOSED = _left_out("this comment is never closed, so everything after it is missing")
    ELEMENT_HIDDEN = _left_out("<{typed}> is hidden by its author, so readers do not get it")
    ELEMENT_LINKED = _left_out("<{typed}> is not shown; a link to {address} stands in its place")
    ELEMENT_REMOVED = _left_out("<{typed}> is not shown")
    ELEMENT_UNCLOSED = _left_out("<{typed}> is never closed, so everything after it is missing")
    EMPHASIS_LITERAL = _noted(
        "“{typed}” is shown with its asterisks: close them, and leave no blank inside them; for asterisks, write \\*\\*"
    )
    FILE_UNUSED = _noted("the file “{typed}” beside it is neither shown nor offered, so readers do not get it")
    FOOTNOTE_REPEATED = _left_out("another footnote is also named [^{typed}]; give this one a different name")
    FOOTNOTE_UNUSED = _left_out("nothing refers to the footnote [^{typed}], so readers do not get it")
    FOOTNOTE_MISSING = _noted("there is no footnote [^{typed}], so readers see it as it was typed")
    IMAGE_ACTIVE = _left_out(
        "the drawing “{typed}” is not shown, because it contains {what}; export it without that, or as PNG"
    )
    IMAGE_ALT_MISSING = _noted("describe the image “{typed}” for readers who cannot see it")
    IMAGE_DESCRIBED = _noted(
        "readers see what the file “{typed}” itself says ({what}), because the draft does not say it"
    )
    IMAGE_MADE_BY_AI = _noted(
        "the file “{typed}” says that a machine made or altered it ({what}), and the draft says less"
    )
    IMAGE_UNUSABLE = _left_out("the image is left out: “{typed}” {what}")
    IMAGE_ELSEWHERE = _left_out("{typed} is on another site; put the image into the draft's folder")
    IMAGE_KIND = _left_out("{typed} is not a kind of file that browsers show as an image: save it as JPEG, PNG or WebP")
    IMAGE_MISSING = _left_out("{typed} is not in the draft's folder, so the image is left out")
    LINK_DEAD = _left_out("{typed} leads nowhere on this site, so the text is shown without the link")
    LINK_TO_NOTHING = _noted("{typed} leads to no page {where}")
    LINK_TO_HIDDEN = _noted("{typed} leads to an article that readers cannot get at present")
    LINK_TO_WITHDRAWN = _noted("{typed} leads to an article that was withdrawn")
    LINK_ANCHOR_MISSING = _noted("{typed} leads to a page without that anchor, so readers get its beginning")
    LINK_EMPTY = _left_out("a link without an address is shown as text")
    LINK_SCHEME = _left_out("{typed} is shown as text: only https, http, mailto and tel addresses can be links")
    MARKUP_TOO_MUCH = _rejected("the text has {count:,} pieces of markup; the limit is {limit:,}")
    LINK_LITERAL = _noted("“{typed}” is shown as typed: put < > around an address with blanks, or define its name")
    TAG_LITERAL = _noted("“{typed}” is shown as it was typed: put each value in the tag in double quotes")
    TAG_UNCLOSED = _noted("a tag that begins here is never closed with “>”, so readers see it as it was typed")
    TAGS_UNCLOSED = _rejected("too many tags are never closed with “>”")
    TEMPLATE_CODE = _noted("“{typed}” is code of another system, which readers see as it was typed")
    MARKDOWN_TOO_DEEP = _rejected("quotes, lists or HTML are nested too deeply in this passage")

    # Decisions
    PUBLISHED_BY_EDITOR = _overruled("the draft says “{typed}”, but an editor published the article at {at}")
    SCHEDULED_BY_EDITOR = _overruled("the draft says “{typed}”, but an editor scheduled the article for {at}")
    TIER_BY_EDITOR = _overruled("the draft says “{typed}”, but an editor set the tier {tier}")

    PARSER_FAILED = _rejected(
        "the file cannot be read ({error}); this is a fault of Nightdesk: please report it with the file"
    )

    # Profiles and pages
    AUTHOR_KIND = _rejected("must be human or ai")
    KEPT_NOT_ALLOWED = _rejected("is for articles only: this file is public as a whole; delete the key, or wait")
    NAME_MISSING = _rejected("is required")
    PAGE_ADDRESS = _rejected("“{typed}” cannot be the address of a page; rename the file")

    # site.yaml
    AMOUNT_MISSING = _rejected("each price needs its amount as readers see it, such as €8")
    WRITERS = _rejected("must be own or any, not “{typed}”")
    APPROVAL_KIND = _rejected("“{typed}” is not a kind of author; the kinds are ai and human")
    BASE_URL = _rejected("must be the address of the site, such as https://news.example")
    EMBED_UNKNOWN = _left_out("“{typed}” is not a provider whose players can be loaded; there are {known}")
    FEED_REPEATED = _rejected("“{typed}” is listed twice")
    FEED_URL = _rejected("each feed needs an https address, without a port other than 443")
    NEWSLETTER_ID = _rejected(
        "“{typed}” cannot be the id of a newsletter: lower-case letters, digits and hyphens, not “newsletter”, “archive” or “article-…”"
    )
    NEWSLETTER_REPEATED = _rejected("the newsletter “{typed}” is listed twice")
    NEWSLETTER_SCHEDULE = _rejected("“{typed}” is not a time of day such as 06:00 or 06:00 Europe/Vienna")
    NEWSLETTER_DAY = _rejected("“{typed}” is not a day of the week such as mon")
    NEWSLETTER_MINIMUM = _rejected("must be a whole number from 1 to 30")
    NEWSLETTER_TIER = _rejected("“{typed}” is not a tier of this site; its tiers are {tiers}")
    PAID_TIER = _rejected("“{typed}” is not a tier that can be sold; the tiers are {tiers}")
    PRICE_ID = _rejected("“{typed}” is not the id of a price, which begins with price_")
    PRICE_MISSING = _rejected("each membership needs a monthly or yearly price: “month: {{price: …, amount: …}}”")
    PRICE_REPEATED = _rejected("a price is listed twice")
    CRAWLER_NAME = _rejected("“{typed}” is not the name of a crawler, such as GPTBot")
    ROBOTS_PATH = _rejected("“{typed}” must be a path that begins with a slash")
    HUB_URL = _rejected("must be the https address of a WebSub hub, without a port other than 443")
    LLMS_BLOCKED = _noted("`robots` blocks the crawlers that would read llms.txt: {names}")
    WEBHOOK_EVENT = _rejected("“{typed}” is not an event that webhooks are told of; those are {events}")
    WEBHOOK_SECRET = _rejected(
        "must be one to three names such as 2027, not a secret: nightdesk webhooks shows the secrets that belong to names"
    )
    WEBHOOK_URL = _rejected("each webhook needs an https address, without a port other than 443")
    SECURITY_CONTACT = _rejected("needs at least one address that begins with mailto:, https:// or tel:")
    SECURITY_EXPIRES = _rejected("needs the date after which these details must not be trusted, such as 2027-12-31")
    SECURITY_EXPIRED = _noted("“{typed}” has passed, so the contact no longer counts; write a later date")
    SECURITY_POLICY = _rejected("must be an https address")
    SUPPORT_LINK = _rejected("each support link needs a label, and an https address or a path on this site")
    FRONT_LEAD = _rejected("“{typed}” is not the slug of an article: lower-case letters, digits, hyphens")
    MENU_LINK = _rejected("each link needs a label, and an https or mailto address or a path on this site")
    SOCIAL_LINK = _rejected("each account needs a label, and its https address, such as https://social.example/@news")
    TIER_NAME = _rejected("“{typed}” must be lower-case letters, digits and hyphens")
    TIER_ORDER = _rejected("“{typed}” is the tier of everyone, so it comes first: list the least entitled first")
    TIER_REPEATED = _rejected("the tier “{typed}” is listed twice")
    LANGUAGE_CODE = _rejected("“{typed}” is not a language code such as en or pt-BR")
    TIME_ZONE = _rejected("“{typed}” is not a time zone such as Europe/Oslo")
    TOPIC_ID = _rejected("“{typed}” is not the id of a topic: lower-case letters, digits, hyphens")
    WEIGHT = _rejected("must be a whole number from 0 to 9")

    # Updates
    EXPIRES_PAST = _rejected("“{typed}” is in the past")
    HEADLINE_MISSING = _rejected("every update needs a headline")
    KEY_REUSED = _rejected("was used for another update")
    UPDATE_DATE_FUTURE = _rejected("is in the future; an update is posted at once")
    UPDATE_ENDED = _rejected("has passed; the update is no longer shown")
    UPDATE_LINK = _rejected("must be an https address, or a path on this site")
    UPDATE_REMOVED = _rejected("was removed")


KINDS = tuple(kind for kind in vars(Kind).values() if isinstance(kind, ProblemKind))
"""All of the catalogue, in its order."""
