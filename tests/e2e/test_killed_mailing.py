"""An edition for many readers, whose functions are killed again and again, and whose cloud is killed half way: nobody is left out."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from nightdesk.domain.newsletters import SENT, Edition
from nightdesk.entrypoints.operator_ports import operator_newsletter_ports
from nightdesk.repositories import editions_table
from nightdesk_local.mail import sent_mail
from support.effort import amount
from support.newsroom import draft
from support.separate_cloud import SeparateCloud

pytestmark = [pytest.mark.cloud, pytest.mark.deep]

READERS = amount("MAILING_READERS", test=300, soak=10_000)
EDITION = "article-letter/"
_PATIENCE = 1800.0


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeparateCloud]:
    found = SeparateCloud(tmp_path_factory.mktemp("mailing"))
    found.up()
    yield found
    found.run("down")


def edition_of(place: SeparateCloud) -> Edition | None:
    found = editions_table.editions(operator_newsletter_ports(place.cloud).editions, 1)
    return found[0].edition if found else None


def wait_until(place: SeparateCloud, holds: Callable[[Edition], bool]) -> Edition:
    until = time.monotonic() + _PATIENCE
    while True:
        found = edition_of(place)
        if found and holds(found):
            return found
        assert time.monotonic() < until, found
        time.sleep(0.5)


def test_nobody_gets_two_copies_and_nobody_is_left_out(place: SeparateCloud, tmp_path: Path) -> None:
    addresses = [f"reader-{number}@readers.example" for number in range(READERS)]
    rows = tmp_path / "readers.csv"
    rows.write_text("email,newsletter,consent\n" + "".join(f"{each},yes,form\n" for each in addresses), "utf-8")
    imported = place.run("members", "import", "--json", str(rows), within=1800)
    assert imported.returncode == 0, imported.stderr
    assert json.loads(imported.stdout)["imported"] == READERS

    letter = draft("A letter", "Words for all.", newsletter=True).encode()
    place.cloud.client("s3").put_object(Bucket=place.cloud.outputs["DraftsBucket"], Key="drafts/letter.md", Body=letter)
    for share in (0.2, 0.35):
        wait_until(place, lambda found, least=share * READERS: found.counts.get("mailed", 0) >= least)  # type: ignore[misc]
        assert place.kill_functions()
    half = wait_until(place, lambda found: found.counts.get("mailed", 0) >= READERS / 2)
    assert half.state == "sending", "there is nothing left to kill it in"
    place.freeze_functions()
    mails = sent_mail(place.cloud.endpoint)
    place.kill_but_keep_what_is_stored()
    place.up()
    end = wait_until(place, lambda found: found.state == SENT)

    copies = Counter(mail.to for mail in [*mails, *sent_mail(place.cloud.endpoint)])
    print(f"\n{READERS} recipients: {dict(end.counts)}")
    assert max(copies.values()) == 1
    assert set(copies) <= set(addresses)
    assert end.recipients == READERS == sum(end.counts.values())
    assert set(end.counts) <= {"mailed", "unsure"}
    # Where a run died between asking the provider and recording its answer, nothing can tell, and nobody gets a second copy.
    assert len(set(addresses) - set(copies)) <= end.counts.get("unsure", 0) <= READERS / 100 + 8
