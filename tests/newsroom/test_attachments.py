"""Attachments: files beside a draft become downloads of its article, for those who may read the link, and for nobody else."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from nightdesk.adapters.aws import S3Objects
from nightdesk.adapters.memory import MemoryObjects
from nightdesk.domain.attachments import ATTACHMENT_TYPES, LARGEST_ATTACHMENT, disposition, refusal_of_size
from nightdesk.domain.documents import digest
from nightdesk.domain.errors import Permanent
from nightdesk.domain.events import ObjectChanged
from nightdesk.domain.uploaders import DIRECT
from nightdesk.ports import ANY, Output
from nightdesk.rendering.attachments import file_facts
from nightdesk.rendering.environment import Theme
from nightdesk.repositories.private_bucket import attachment_key
from nightdesk.usecases.editors.check import check_against_site
from nightdesk.usecases.editors.decisions import approve, rollback
from nightdesk.usecases.editors.uploads import presign
from nightdesk.usecases.pipeline.reconcile import compare
from support.memory_newsroom import Newsroom

PDF = b"%PDF-1.7 harbour"
NAME = f"report.{digest(PDF)}"


@pytest.fixture
def newsroom(theme: Theme) -> Newsroom:
    return Newsroom(theme)


def put(newsroom: Newsroom, name: str, body: bytes | None) -> None:
    newsroom.upload(f"drafts/harbour/{name}", body)
    newsroom.process_all()


def write(newsroom: Newsroom, body: str, **matter: str) -> None:
    head = "".join(f"{key}: {value}\n" for key, value in {"title": "T", "date": "2026-11-01", **matter}.items())
    newsroom.file("drafts/harbour/index.md", f"---\n{head}---\n{body}\n")


def files(newsroom: Newsroom) -> dict[str, bytes]:
    """Return the attachments that the site has, by their names below the article, without tombstones."""
    start = "articles/harbour/"
    return {
        key.removeprefix(start): output.body
        for key, output in newsroom.site.outputs.items()
        if key.startswith(start) and output.disposition
    }


def warnings(newsroom: Newsroom) -> list[str]:
    return [each["message"] for each in newsroom.state("harbour")["warnings"]]


@pytest.mark.parametrize("order", [("file", "draft"), ("draft", "file")])
def test_a_linked_file_is_a_download_whichever_comes_first(newsroom: Newsroom, order: tuple[str, str]) -> None:
    for each in order:
        if each == "file":
            put(newsroom, "report.pdf", PDF)
        else:
            write(newsroom, "Read [the report](report.pdf).")
    assert files(newsroom) == {f"~public/{NAME}.public.pdf": PDF}
    page = newsroom.page("articles/harbour/")
    assert f'<a href="/articles/harbour/{NAME}.public.pdf">the report</a>' in page
    assert '<span class="file-facts">(PDF, 1 KB)</span>' in page
    output = newsroom.site.outputs[f"articles/harbour/~public/{NAME}.public.pdf"]
    assert output.content_type == "application/pdf"
    assert output.disposition == 'attachment; filename="report.pdf"'
    assert "immutable" in output.cache_control
    assert warnings(newsroom) == []


def test_a_replaced_file_gets_another_name_and_a_deleted_one_is_gone(newsroom: Newsroom) -> None:
    put(newsroom, "report.pdf", PDF)
    write(newsroom, "[R](report.pdf)")
    put(newsroom, "report.pdf", b"%PDF-1.7 new")
    assert list(files(newsroom).values()) == [b"%PDF-1.7 new"]
    put(newsroom, "report.pdf", None)
    assert files(newsroom) == {}
    assert warnings(newsroom) == ["report.pdf is not in the draft's folder, so the text is shown without the link"]
    newsroom.file("drafts/harbour/index.md", None)
    assert not any(output.disposition for output in newsroom.site.outputs.values())


def test_a_file_behind_a_gate_exists_for_entitled_tiers_only(newsroom: Newsroom) -> None:
    put(newsroom, "report.pdf", PDF)
    put(newsroom, "data.csv", b"a,b\n")
    write(newsroom, "[Data](data.csv)\n\n::: gate tier=member\n[R](report.pdf), [D](data.csv)\n:::")
    data = f"data.{digest(b'a,b' + bytes([10]))}"
    assert set(files(newsroom)) == {f"~public/{data}.public.csv", f"~member/{NAME}.pdf"}
    public = newsroom.page("articles/harbour/")
    assert NAME not in public
    assert "report" not in public
    feed = newsroom.page("feed.xml") + newsroom.page("feed.json")
    assert NAME not in feed
    assert f"{data}.public.csv" in feed
    member = newsroom.site.outputs["articles/harbour/~member/index.html"].body.decode()
    assert f'href="/articles/harbour/{NAME}.pdf"' in member


def test_no_other_kind_of_file_is_offered(newsroom: Newsroom) -> None:
    for name in ("page.html", "draw.svg", "run.js", "feed.xml", "photo.jpg", "tool.exe", "page.pdf.html"):
        put(newsroom, name, b"<script>alert(1)</script>")
        write(newsroom, f"[Open]({name}) this.")
        assert files(newsroom) == {}
        assert "Open this." in newsroom.page("articles/harbour/")
        [warning] = [each for each in warnings(newsroom) if "neither shown nor offered" not in each]
        assert warning.startswith(f"{name} is not a kind of file that readers can download (csv, docx"), name
    assert {".html", ".svg", ".js", ".xml", ".xhtml"}.isdisjoint(ATTACHMENT_TYPES)


def test_a_missing_file_is_named_with_the_one_that_was_meant(newsroom: Newsroom) -> None:
    put(newsroom, "report.pdf", PDF)
    write(newsroom, "Line.\n\n[R](reprot.pdf)")
    [found] = newsroom.state("harbour")["warnings"]
    assert found["line"] == 7
    assert found["message"].endswith("shown without the link; did you mean `report.pdf`?")


def test_names_are_found_as_people_type_them(newsroom: Newsroom) -> None:
    put(newsroom, "Jahres Bericht.PDF", PDF)
    write(newsroom, "[R](./jahres%20bericht.pdf#page=2)")
    assert list(files(newsroom)) == [f"~public/jahres-bericht.{digest(PDF)}.public.pdf"]


@pytest.mark.parametrize(("size", "what"), [(0, "is empty"), (61_240_000, "has 61.3 MB; the limit is 50 MB")])
def test_an_empty_or_too_large_file_is_named(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch, size: int, what: str
) -> None:
    found = newsroom.ports.drafts.fingerprint

    def measured(key: str, version: str, largest: int) -> Any:
        known = found(key, version, largest)
        return known._replace(size=size, sha256="") if known else None

    monkeypatch.setattr(newsroom.ports.drafts, "fingerprint", measured)
    put(newsroom, "report.pdf", PDF)
    write(newsroom, "[R](report.pdf)")
    assert files(newsroom) == {}
    assert warnings(newsroom) == [f"the text is shown without the link: the file “report.pdf” {what}"]
    assert refusal_of_size(LARGEST_ATTACHMENT) == ""


def test_a_draft_without_a_folder_has_no_attachments(newsroom: Newsroom) -> None:
    newsroom.publish("harbour", body="[R](report.pdf)")
    assert "report.pdf is not in the draft's folder, so the text is shown without the link" in warnings(newsroom)


def test_links_to_other_sites_and_pages_stay_as_they_are(newsroom: Newsroom) -> None:
    write(newsroom, "[A](https://other.example/report.pdf) [B](//other.example/report.pdf) [C](/files/report.pdf)")
    page = newsroom.page("articles/harbour/")
    assert page.count('href="https://other.example/report.pdf"') == 2
    assert 'href="/files/report.pdf"' in page


def test_an_approval_covers_the_bytes(newsroom: Newsroom) -> None:
    newsroom.file("site.yaml", "require_approval: [human, ai]\n")
    put(newsroom, "report.pdf", PDF)
    write(newsroom, "[R](report.pdf)")
    preview = newsroom.ports.private.outputs  # type: ignore[attr-defined]  # it is in memory
    assert preview[f"preview/harbour/{NAME}.pdf"].body == PDF
    approve("harbour", "Ines Aldabra", "editor:1", newsroom.ports)
    newsroom.deliver_emitted()
    newsroom.process_all()
    assert files(newsroom) == {f"~public/{NAME}.public.pdf": PDF}
    put(newsroom, "report.pdf", b"%PDF-1.7 swapped")
    assert files(newsroom) == {f"~public/{NAME}.public.pdf": PDF}, "readers keep the approved bytes"


def test_a_rollback_brings_the_bytes_back(newsroom: Newsroom) -> None:
    put(newsroom, "report.pdf", PDF)
    write(newsroom, "[R](report.pdf)")
    put(newsroom, "report.pdf", b"%PDF-1.7 new")
    rollback("harbour", 1, newsroom.ports)
    drafts = newsroom.ports.drafts.outputs  # type: ignore[attr-defined]  # it is in memory
    assert drafts["drafts/harbour/report.pdf"].body == PDF
    assert drafts["drafts/harbour/report.pdf"].content_type == "application/pdf"
    newsroom.deliver([ObjectChanged("drafts/harbour/report.pdf")])
    newsroom.process_all()
    assert list(files(newsroom).values()) == [PDF]


def test_a_moved_article_takes_its_files_along(newsroom: Newsroom) -> None:
    put(newsroom, "report.pdf", PDF)
    write(newsroom, "[R](report.pdf)")
    write(newsroom, "[R](report.pdf)", slug="quay")
    assert f"articles/quay/~public/{NAME}.public.pdf" in newsroom.site.outputs
    assert files(newsroom) == {}


def test_reconcile_finds_nothing_to_do_and_reads_no_file(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    put(newsroom, "report.pdf", PDF)
    write(newsroom, "[R](report.pdf)")

    def refuse(*_: object) -> None:
        raise AssertionError("an attachment was read")

    monkeypatch.setattr(newsroom.ports.drafts, "fingerprint", refuse)
    assert not differences(newsroom)
    newsroom.site.delete(f"articles/harbour/~public/{NAME}.public.pdf")
    assert differences(newsroom).articles == ("harbour",)


def differences(newsroom: Newsroom) -> Any:

    return compare(newsroom.ports, newsroom.theme)


def test_a_lost_copy_is_made_again_from_the_drafts(newsroom: Newsroom) -> None:
    put(newsroom, "report.pdf", PDF)
    write(newsroom, "[R](report.pdf)")
    newsroom.ports.private.delete(attachment_key(digest(PDF)))
    assert differences(newsroom).drafts == ("drafts/harbour/index.md",)
    put(newsroom, "report.pdf", PDF)
    assert newsroom.ports.private.stat(attachment_key(digest(PDF)))


def test_a_check_against_the_site_measures_files_without_reading_them(newsroom: Newsroom) -> None:
    put(newsroom, "report.pdf", PDF)
    text = b"---\ntitle: T\n---\n[R](report.pdf) [S](soon.csv) [T](never.csv)\n"
    found = check_against_site("drafts/harbour/index.md", text, ["soon.csv"], newsroom.ports)
    assert [each["message"] for each in found.warnings] == [
        "never.csv is not in the draft's folder, so the text is shown without the link"
    ]


class Uploads:
    def presign(self, file: Any, _: datetime) -> Any:
        return file


def test_writers_may_upload_attachments_of_allowed_kinds_and_sizes(newsroom: Newsroom) -> None:
    ports, uploads = newsroom.ports, Uploads()
    file: Any = presign("drafts/harbour/report.PDF", LARGEST_ATTACHMENT, DIRECT, ports, uploads)
    assert file.content_type == "application/pdf"
    for key, size in (
        ("drafts/harbour/report.pdf", LARGEST_ATTACHMENT + 1),
        ("drafts/report.pdf", 10),
        ("drafts/harbour/page.html", 10),
        ("authors/ada.pdf", 10),
    ):
        with pytest.raises(Permanent):
            presign(key, size, DIRECT, ports, uploads)


@pytest.mark.parametrize(
    ("size", "shown"),
    [(1, "1 KB"), (999, "1 KB"), (1500, "2 KB"), (999_499, "999 KB"), (999_500, "1.0 MB"), (1_240_000, "1.2 MB"),
     (9_950_000, "10 MB"), (50_000_000, "50 MB")],
)  # fmt: skip
def test_sizes_are_short(theme: Theme, size: int, shown: str) -> None:
    from nightdesk.domain.documents import Attachment
    from nightdesk.domain.site import Site

    assert file_facts(theme.text(Site()), Attachment("a.0.xlsx", "", "", size)) == f"(XLSX, {shown})"


def test_a_download_is_never_inline() -> None:
    assert {disposition(f"a-b.{'0' * 64}{suffix}")[:11] for suffix in ATTACHMENT_TYPES} == {"attachment;"}


# --- S3 ---


class Stream(BytesIO):
    def iter_chunks(self, size: int) -> Any:
        while chunk := self.read(size):
            yield chunk


class Client:
    """Records the requests for copies, and answers those for objects."""

    def __init__(self, body: bytes) -> None:
        self.body, self.copied = Stream(body), {}  # type: dict[str, Any]

    def get_object(self, **_: str) -> dict[str, Any]:
        modified = datetime(2026, 11, 23, tzinfo=UTC)
        size = len(self.body.getvalue())
        return {"ContentLength": size, "Body": self.body, "LastModified": modified, "Metadata": {}}

    def copy_object(self, **values: Any) -> None:
        self.copied = values


def test_s3_makes_the_copy_and_a_large_file_is_not_read() -> None:
    client = Client(PDF)
    drafts, private = S3Objects(client, "drafts"), S3Objects(client, "private")
    small = drafts.fingerprint("k", "v", 100)
    assert small
    assert (small.size, small.sha256) == (len(PDF), digest(PDF))
    client.body = Stream(PDF)
    large = drafts.fingerprint("k", "v", 3)
    assert large
    assert large.sha256 == ""
    private.copy(drafts, "k", "v", Output("t", b"", "application/pdf", "immutable", {}, "attachment"), None)
    assert client.copied["CopySource"] == {"Bucket": "drafts", "Key": "k", "VersionId": "v"}
    assert (client.copied["Bucket"], client.copied["Key"], client.copied["IfNoneMatch"]) == ("private", "t", "*")
    assert client.copied["MetadataDirective"] == "REPLACE"
    assert client.copied["ContentDisposition"] == "attachment"


def test_memory_copies_as_s3_does() -> None:
    source, target = MemoryObjects(), MemoryObjects()
    source.put(Output("k", b"one", "text/plain"), None)
    target.copy(source, "k", "", Output("t", b"", "application/pdf"), ANY)
    assert target.outputs["t"] == Output("t", b"one", "application/pdf")
