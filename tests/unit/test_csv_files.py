"""CSV files in the encodings that spreadsheets save, and addresses that come twice in a file of any length."""

from __future__ import annotations

from pathlib import Path

import pytest
from nightdesk.domain.errors import Permanent
from nightdesk_cli import csv_files
from nightdesk_cli.csv_files import SeenOnDisk, open_csv

TEXT = "email;consent\r\nada@r.example;Bestätigt – am Schalter\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_file_is_read_in_its_encoding(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "readers.csv"
    file.write_bytes(TEXT.encode(encoding))
    with open_csv(str(file)) as (lines, found):
        assert (lines.read(), found) == (TEXT, encoding)


@pytest.mark.parametrize(("first", "expected"), [(b"x" * 7, "utf-8"), (b"x" * 8, "utf-8"), (b"\xe4" * 9, "cp1252")])
def test_a_letter_that_lies_across_two_parts_is_one(
    tmp_path: Path, first: bytes, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_files, "_CHUNK", 8)
    file = tmp_path / "readers.csv"
    file.write_bytes(first + "äöü".encode() * 3)
    assert csv_files.encoding_of(str(file)) == expected


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "readers.xlsx"
    file.write_bytes(b"PK\x03\x04\0\0")
    with pytest.raises(Permanent, match="CSV UTF-8"), open_csv(str(file)):
        pass


@pytest.mark.parametrize(
    "raw", ["\ufeffemail\n".encode() + "ö@r.example\n".encode("cp1252"), "email\n".encode("utf-16")[:-1]]
)
def test_a_file_that_is_not_what_its_beginning_says_is_refused_before_anything_is_read(
    tmp_path: Path, raw: bytes
) -> None:
    file = tmp_path / "readers.csv"
    file.write_bytes(raw)
    with pytest.raises(Permanent, match="different encodings"), open_csv(str(file)):
        pass


def test_the_first_line_of_an_address_is_found() -> None:
    seen = SeenOnDisk()
    assert [seen.first_line(*given) for given in [("a", 2), ("b", 3), ("a", 9), ("a", 10)]] == [2, 3, 2, 2]
