"""Addresses that get no mail: found with the stack's secret only, whichever release recorded them."""

from __future__ import annotations

import pytest
from nightdesk.adapters.memory import MemoryTable
from nightdesk.adapters.suppressions import KeyedSuppressions
from nightdesk.domain.errors import Conflict
from nightdesk.domain.memberships import Membership, member_id
from nightdesk.ports import Change
from nightdesk.repositories import memberships_table

ADA = member_id("ada@readers.example")
NOW = "2026-11-23T00:00:00+00:00"


@pytest.fixture
def stored() -> MemoryTable:
    return MemoryTable()


@pytest.fixture
def table(stored: MemoryTable) -> KeyedSuppressions:
    return KeyedSuppressions(stored, lambda: "k" * 48)


def partitions(stored: MemoryTable) -> set[str]:
    return {pk for pk, items in stored._items.items() if items}


def suppress(table: MemoryTable | KeyedSuppressions, reason: str) -> None:
    table.write([memberships_table.suppression_change(ADA, reason, NOW)])


def test_what_is_stored_does_not_tell_whose_address_it_is(stored: MemoryTable, table: KeyedSuppressions) -> None:
    suppress(table, "bounced")
    [pk] = partitions(stored)
    assert pk.startswith("suppressed#hmac#")
    assert ADA not in pk
    assert memberships_table.suppression(table, ADA) == "bounced"
    other = KeyedSuppressions(stored, lambda: "l" * 48)
    assert memberships_table.suppression(other, ADA) == ""


def test_a_record_of_an_earlier_release_counts_until_it_is_written_again(
    stored: MemoryTable, table: KeyedSuppressions
) -> None:
    suppress(stored, "deleted")
    assert memberships_table.suppression(table, ADA) == "deleted"
    assert memberships_table.mail_standing(table, ADA) == (None, "deleted")
    suppress(table, "blocked")
    assert memberships_table.suppression(table, ADA) == "blocked"
    assert {pk.rpartition("#")[0] for pk in partitions(stored)} == {"suppressed#hmac"}


@pytest.mark.parametrize("earlier", [True, False])
def test_lifting_leaves_nothing_behind(stored: MemoryTable, table: KeyedSuppressions, earlier: bool) -> None:
    suppress(stored if earlier else table, "complained")
    suppress(table, "")
    assert partitions(stored) == set()
    assert memberships_table.suppression(table, ADA) == ""


def test_other_items_are_as_they_were_and_a_transaction_stays_one(
    stored: MemoryTable, table: KeyedSuppressions
) -> None:
    membership = Membership("ada@readers.example", confirmed=NOW)
    table.write([memberships_table.membership_change(ADA, membership, None)])
    found, reason = memberships_table.mail_standing(table, ADA)
    assert (found, reason) == (membership, "")
    assert [member for member, _ in memberships_table.memberships(table, "", 10)] == [ADA]
    assert table.query(f"member#{ADA}") == stored.query(f"member#{ADA}")
    assert table.increment("limit#x#y", "1", 0) == 1
    lost = Change(f"member#{ADA}", "membership", {}, None)
    with pytest.raises(Conflict):
        table.write([memberships_table.suppression_change(ADA, "deleted", NOW), lost])
    assert memberships_table.suppression(table, ADA) == ""


def test_the_secret_is_read_once_and_only_if_it_is_needed(stored: MemoryTable) -> None:
    reads = []

    def key() -> str:
        reads.append(1)
        return "k"

    table = KeyedSuppressions(stored, key)
    table.get(f"member#{ADA}", "membership")
    assert reads == []
    for _ in range(2):
        memberships_table.suppression(table, ADA)
    assert reads == [1]
