"""Lists of readers: a CSV file comes in without giving anyone what they did not ask for, and goes out as it came in."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from nightdesk.adapters.memory import MemoryTable
from nightdesk.domain.errors import Permanent
from nightdesk.domain.memberships import Membership, member_id
from nightdesk.domain.site import Digest, Site
from nightdesk.repositories.memberships_table import find_membership, membership_change
from nightdesk.usecases.readers import member_pages, members
from nightdesk.usecases.readers.member_lists import COLUMNS, HowToImport, Outcome, export_row, import_rows, read_rows
from nightdesk.usecases.readers.member_pages import MemberFilter, member_counts, member_page

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SITE = Site(name="News")


@dataclass
class Ports:
    """A memberships table, and a bus that keeps what it gets."""

    memberships: MemoryTable = field(default_factory=MemoryTable)
    sent: list[Any] = field(default_factory=list)

    @property
    def bus(self) -> Ports:
        return self

    def emit(self, events: Any) -> None:
        self.sent += events


@pytest.fixture
def ports() -> Ports:
    return Ports()


def run(ports: Ports, text: str, *, dry_run: bool = False) -> list[Outcome]:
    rows = read_rows(io.StringIO(text, newline=""))
    return list(import_rows(rows, SITE, ports, NOW, HowToImport(dry_run)))


def reader(ports: Ports, email: str) -> Membership:
    found = find_membership(ports.memberships, member_id(email))
    assert found
    return found.membership


def test_a_reader_with_proof_of_consent_is_confirmed_and_gets_the_newsletter(ports: Ports) -> None:
    [done] = run(ports, "email,newsletter,consent\nAda@Readers.example,yes,form on 2024-05-01\n")
    assert done == Outcome(2, "ada@readers.example", "imported")
    found = reader(ports, "ada@readers.example")
    assert found.receives("newsletter")
    assert found.unsubscribe
    assert [event.name for event in ports.sent] == ["MembershipChanged"]


def test_without_proof_nothing_is_confirmed_and_no_mail_is_promised(ports: Ports) -> None:
    [done] = run(ports, "email,tier,newsletter,consent\nada@readers.example,member,true,\n")
    assert (done.outcome, done.note) == ("imported", "no newsletter: the column “consent” is empty")
    found = reader(ports, "ada@readers.example")
    assert (found.confirmed, found.newsletters) == ("", ())
    assert found.entitlement(SITE, NOW).tier == "member"


def test_an_address_that_wants_no_mail_gets_none(ports: Ports) -> None:
    members.suppress(member_id("ada@readers.example"), members.BLOCKED, ports.memberships, NOW)
    [done] = run(ports, "email,newsletter,consent\nada@readers.example,yes,form\n")
    assert "asked for no more mail" in done.note
    assert not reader(ports, "ada@readers.example").newsletters


def test_what_a_reader_chose_here_stays(ports: Ports) -> None:
    line = "email,newsletter,consent\nada@readers.example,{},form\n"
    run(ports, line.format("no"))
    assert [one.outcome for one in run(ports, line.format("yes"))] == ["unchanged"]
    assert not reader(ports, "ada@readers.example").newsletters


def test_importing_twice_changes_nothing(ports: Ports) -> None:
    text = "email,tier,until,newsletter,consent\na@r.example,member,2027-01-31,yes,form\nb@r.example,,,,\n"
    assert [one.outcome for one in run(ports, text)] == ["imported", "imported"]
    before = len(ports.sent)
    assert [one.outcome for one in run(ports, text)] == ["unchanged", "unchanged"]
    assert len(ports.sent) == before
    assert reader(ports, "a@r.example").complimentary == {"tier": "member", "until": "2027-01-31T23:59:59+00:00"}


def test_a_dry_run_writes_nothing(ports: Ports) -> None:
    assert [one.outcome for one in run(ports, "email\nada@readers.example\n", dry_run=True)] == ["imported"]
    assert find_membership(ports.memberships, member_id("ada@readers.example")) is None
    assert ports.sent == []


def test_a_wrong_row_is_named_and_the_others_go_on(ports: Ports) -> None:
    text = (
        "email,tier,until\n"
        "not an address,,\n"
        "a@r.example,gold,\n"
        "b@r.example,member,2020-01-01\n"
        "c@r.example,member,soon\n"
        "d@r.example,,\n"
        "D@R.example,,\n"
    )
    done = run(ports, text)
    assert [(one.line, one.outcome) for one in done] == [
        (2, "skipped"), (3, "skipped"), (4, "skipped"), (5, "skipped"), (6, "imported"), (7, "skipped"),
    ]  # fmt: skip
    assert "no tier “gold”" in done[1].note
    assert done[2].note == "the tier ended on 2020-01-01"
    assert "type it like 2027-01-31" in done[3].note
    assert done[5].note == "the same address as in line 6"


@pytest.mark.parametrize(
    "text",
    [
        "email;newsletter;consent\nada@r.example;yes;form\n",
        "email\tnewsletter\tconsent\nada@r.example\tyes\tform\n",
        'sep=;\nemail;newsletter;consent\nada@r.example;"yes";form, on paper\n',
    ],
)
def test_cells_may_end_as_spreadsheets_of_other_countries_write_them(ports: Ports, text: str) -> None:
    [done] = run(ports, text)
    assert (done.line, done.outcome) == (text.count("\n"), "imported")
    assert reader(ports, "ada@r.example").newsletters == ("newsletter",)


def test_the_newsletters_of_a_reader_may_be_named_and_come_back_from_an_export(ports: Ports) -> None:
    rows = read_rows(io.StringIO("email,newsletter,consent\na@r.example,daily newsletter,x\nb@r.example,weekly,x\n"))
    digests = Site(newsletters=(Digest("daily", "Daily", "06:00"),))
    done = list(import_rows(rows, digests, ports, NOW))
    assert reader(ports, "a@r.example").newsletters == ("newsletter", "daily")
    assert (done[1].outcome, done[1].note) == ("imported", "this site has no newsletter “weekly”")
    cells = [export_row(reader(ports, f"{name}@r.example"), digests, NOW)[3] for name in "ab"]
    assert cells == ["newsletter daily", "false"]


def test_many_rows_are_looked_up_and_announced_together(ports: Ports, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    for name in ("get_many", "write"):
        inner = getattr(ports.memberships, name)
        monkeypatch.setattr(
            ports.memberships, name, lambda *args, name=name, inner=inner: calls.append(name) or inner(*args)
        )
    text = "email\n" + "".join(f"r{number}@r.example\n" for number in range(120)) + "r5@r.example\n"
    done = run(ports, text)
    assert [one.line for one in done] == list(range(2, 123))
    assert (done[-1].outcome, done[-1].note) == ("skipped", "the same address as in line 7")
    assert (calls.count("get_many"), calls.count("write")) == (3, 3)
    assert len(ports.sent) == 120


def test_a_reader_who_changes_something_meanwhile_keeps_it(ports: Ports) -> None:
    run(ports, "email\nada@r.example\n")
    member = member_id("ada@r.example")
    inner, first = ports.memberships.write, [True]

    def write(changes: Any) -> None:
        if first.pop() if first else False:
            found = find_membership(ports.memberships, member)
            assert found
            inner([membership_change(member, replace(found.membership, generation=3), found)])
        inner(changes)

    ports.memberships.write = write  # type: ignore[method-assign]
    run(ports, "email,tier\nbob@r.example,member\nada@r.example,member\n")
    assert reader(ports, "bob@r.example").entitlement(SITE, NOW).tier == "member", "the others are written all the same"
    found = reader(ports, "ada@r.example")
    assert (found.generation, found.entitlement(SITE, NOW).tier) == (3, "member")


@pytest.mark.parametrize("wanted", [MemberFilter("gold"), MemberFilter(newsletter="hourly")])
def test_a_filter_by_what_the_site_does_not_have_is_refused(wanted: MemberFilter) -> None:
    with pytest.raises(Permanent, match="choose one of"):
        wanted.checked(SITE)
    assert MemberFilter("member", "newsletter").checked(SITE)


def test_a_file_of_any_length_is_read_a_line_at_a_time() -> None:
    read = 0

    def endless() -> Iterator[str]:
        nonlocal read
        yield "email\n"
        while True:
            read += 1
            yield f"r{read}@r.example\n"

    rows = read_rows(endless())
    assert [next(rows).email for _ in range(5)] == [f"r{number}@r.example" for number in range(1, 6)]
    assert read == 5


@pytest.mark.parametrize("start", "=+-@\t\r\n＝＠")
def test_no_cell_of_an_export_is_a_formula(start: str) -> None:
    membership = Membership(f"{start}cmd@r.example", confirmed="2026-11-01T00:00:00+00:00")
    assert export_row(membership, SITE, NOW)[0] == f"'{start}cmd@r.example"


def test_readers_are_listed_by_tier_newsletter_and_date_and_counted(
    ports: Ports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(member_pages, "_PAGE", 2)
    monkeypatch.setattr(member_pages, "MOST_COUNTED", 3)
    run(
        ports,
        "email,tier,newsletter,consent\na@r.e.org,member,yes,x\nb@r.e.org,,yes,x\nc@r.e.org,member,,\nd@r.e.org,,no,x\n",
    )

    def listed(wanted: MemberFilter, limit: int = 10) -> list[str]:
        found, after = [], ""
        while True:
            page = member_page(ports.memberships, wanted, SITE, NOW, after, limit)
            found += [membership.email[0] for _, membership in page.members]
            after = page.after
            if not after:
                return sorted(found)

    assert listed(MemberFilter()) == listed(MemberFilter(), limit=1) == ["a", "b", "c", "d"]
    assert listed(MemberFilter("member")) == ["a", "c"]
    assert listed(MemberFilter(newsletter="newsletter")) == ["a", "b"]
    assert listed(MemberFilter("member", "newsletter")) == ["a"]
    assert listed(MemberFilter(since=NOW.isoformat())) == ["a", "b", "d"]
    assert listed(MemberFilter(since="2026-11-24T00:00:00+01:00")) == listed(MemberFilter(newsletter="weekly")) == []
    first, after = member_counts(ports.memberships, SITE, NOW)
    rest, end = member_counts(ports.memberships, SITE, NOW, after)
    assert (first["readers"], rest["readers"], end) == (3, 1, "")
    assert first["confirmed"] + rest["confirmed"] == 3
    assert first["tiers"]["member"] + rest["tiers"]["member"] == 2
    assert first["newsletters"]["newsletter"] + rest["newsletters"]["newsletter"] == 2


@pytest.mark.parametrize("text", ["", "name,tier\nAda,member\n", "ada@readers.example,member\n"])
def test_a_file_without_the_column_email_is_refused(ports: Ports, text: str) -> None:
    with pytest.raises(Permanent, match="email"):
        run(ports, text)


def test_a_row_that_is_read_otherwise_than_it_was_meant_is_named(ports: Ports) -> None:
    text = 'email,consent\na@r.example,form, 2024\n,\n"b@r.example,form\nc@r.example,form\n'
    first, second = run(ports, text)
    assert (first.outcome, "more cells" in first.note) == ("imported", True)
    assert (second.outcome, "quotation mark" in second.note) == ("skipped", True)
    with pytest.raises(Permanent, match="twice"):
        run(ports, "email,email\na@r.example,b@r.example\n")


@pytest.mark.parametrize("end", ["", '"'])
@pytest.mark.parametrize("column", ["consent", "name"])
def test_rows_that_a_quotation_mark_takes_into_a_cell_are_not_lost_in_silence(
    ports: Ports, column: str, end: str
) -> None:
    text = f'email,{column}\na@r.example,"form\nb@r.example,form{end}\n'
    [done] = run(ports, text)
    assert (done.outcome, "quotation mark" in done.note) == ("skipped", True)
    [other] = run(ports, 'email,consent\na@r.example,"form of 2024,\non paper"\n')
    assert other.outcome == "imported"


def test_broken_csv_is_refused_with_its_line(ports: Ports) -> None:
    with pytest.raises(Permanent, match="line"):
        run(ports, 'email\n"' + "x" * 200_000 + "\n")


def test_an_export_is_what_an_import_reads(ports: Ports) -> None:
    run(ports, "email,tier,until,newsletter,consent\na@r.example,member,2027-01-31,yes,form\n'=b@r.example,,,,form\n")
    output = io.StringIO(newline="")
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(COLUMNS)
    for email in ("a@r.example", "=b@r.example"):
        writer.writerow(export_row(reader(ports, email), SITE, NOW))
    text = output.getvalue()
    assert "\n'=b@r.example," in text, "a spreadsheet must not take a cell for a formula"
    assert ",form\n" in text, "the proof of consent is kept"
    other = Ports()
    assert [one.outcome for one in run(other, text)] == ["imported", "imported"]
    for email in ("a@r.example", "=b@r.example"):
        ours, theirs = reader(ports, email), reader(other, email)
        assert (ours.complimentary, ours.newsletters) == (theirs.complimentary, theirs.newsletters)
        assert theirs.confirmed
