"""Tables of readers in an archive, as spreadsheets save them: in several encodings, with commas, semicolons or tabs."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from nightdesk.domain.errors import Permanent

from .archives import Archive
from .front_matter import decode_leniently
from .report import LOST, Report

_EMAIL = ("email", "e-mail", "email address", "email_address")


def member_rows(archive: Archive, names: re.Pattern[str], report: Report) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each row with an address, by columns in lower case, and the file that holds it. What cannot be read is reported.

    Args:
        names: the files.
    """
    for name in archive.names:
        if not names.search(PurePosixPath(name).name):
            continue
        is_empty = True
        try:
            for row in _rows(decode_leniently(archive.read(name), name, report)):
                if "@" in row["email"]:
                    is_empty = False
                    yield name, row
        except (Permanent, csv.Error) as error:
            report.add(LOST, name, 0, "a list of readers cannot be read", str(error))
            continue
        if is_empty:
            report.add(LOST, name, 0, "a list of readers has no column “email” with addresses, so it was not imported")


def _rows(text: str) -> Iterator[dict[str, str]]:
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=max(",;\t", key=first.count))
    columns = [column.strip().lower() for column in next(reader, [])]
    columns = ["email" if column in _EMAIL else column for column in columns]
    if "email" in columns:
        for values in reader:
            row = dict.fromkeys(columns, "") | dict(zip(columns, values, strict=False))
            yield row | {"email": row["email"].strip()}
