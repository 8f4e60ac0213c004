"""Output of commands: coloured on a terminal, plain elsewhere."""

from __future__ import annotations

import io

import pytest
from nightdesk_cli.console import coloured, result


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gone        410  /a/", "\x1b[32mgone\x1b[0m        410  /a/"),
        ("STILL THERE 200  /a/", "\x1b[31mSTILL THERE\x1b[0m 200  /a/"),
        ("drafts/a.md: rejected", "drafts/a.md: \x1b[31mrejected\x1b[0m"),
        ("How the harbour is going live", "How the harbour is going live"),
    ],
)
def test_states_are_coloured_on_a_terminal(text: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert coloured(text, Terminal()) == expected
    assert coloured(text, io.StringIO()) == text
    monkeypatch.setenv("NO_COLOR", "1")
    assert coloured(text, Terminal()) == text


def test_json_is_never_coloured(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    result({"state": "live"}, True, "live")
    assert terminal.getvalue() == '{\n "state": "live"\n}\n'
