"""Slugs: claim those that a draft wants, point old ones to its article, and give up the rest.

A slug has at most one holder, the draft whose claim is stored in the Articles table. The draft that has used a slug for
longest, by the versions of its file, may take it from another, so the same draft wins in whatever order events arrive.
`slug_plan` decides what should become of each slug; this module does it, one slug at a time, in an order that lets a run
die after any call:

- A draft's record names a slug before the draft claims it. A run that dies in between leaves a name too many, which costs
  a few reads. In the other order, it would leave an article that no draft accounts for.
- What is stored at a slug is inspected before the claim is read, and overwritten only as it was then. So a run that loses
  the slug in between cannot overwrite what its new holder stored.
- A document is stored after its slug was claimed; a tombstone or a pointer before its slug is released.
- The editors' decisions are stored at the new slug before they are removed from the old one. A takedown stays at the old
  one, and the draft is named at the new one as withdrawn: only an editor lifts either. Runs of several drafts at one slug
  add their names in any order, and none speaks for the draft that gets the slug next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from nightdesk.domain.decisions import Decisions
from nightdesk.domain.documents import DRAFT, Document, digest
from nightdesk.domain.drafts_bucket import draft_id
from nightdesk.domain.errors import Conflict
from nightdesk.domain.problems import Kind, Problem
from nightdesk.ports import Blob, Output, Ports, Stat
from nightdesk.repositories import articles_table
from nightdesk.repositories.articles_table import ACCEPTED
from nightdesk.repositories.private_bucket import (
    JSON,
    decisions_from,
    decisions_key,
    document_key,
    load_document,
    load_site,
    was_listed,
)
from nightdesk.repositories.records import Claim, DraftRecord, problem_dicts
from nightdesk.usecases.pipeline.converge import store_over
from nightdesk.usecases.pipeline.draft_history import read_history
from nightdesk.usecases.pipeline.draft_takedown import DraftTakedown, store_decisions
from nightdesk.usecases.pipeline.former_articles import lead_on, leave_to_holder, pointer_to_restore
from nightdesk.usecases.pipeline.slug_plan import (
    Contender,
    has_older_right,
    path_aliases,
    plan_published,
    plan_rejected,
    slug_taken,
)
from nightdesk.usecases.pipeline.succession import decisions_left, id_beside
from nightdesk.usecases.pipeline.tombstones import store_tombstone, tombstone


class SlugClaims:
    """The slugs and old addresses of one draft, and what a run learns about them.

    One instance serves all attempts of a run: what a failed attempt changed must still be announced.

    Attributes:
        alias_lines: the line of each alias in the file.
        slug_line: finds the line of the slug in the file.
        predecessors: the records of the deleted drafts whose article this one continues, by key.
        forms: the records of the draft's other forms.
        takedown: of the draft.
    """

    def __init__(self, key: str, ports: Ports) -> None:
        self._key = key
        self._draft = draft_id(key)
        self._ports = ports
        self._held: set[str] = set()
        self._fresh: set[str] = set()
        self._free: set[str] = set()
        self._displaced: set[str] = set()
        self._carried: dict[str, Blob] = {}
        self._lost_while_withdrawn = False
        self._first = ""
        self.takedown = DraftTakedown(key, ports)
        self.alias_lines: Mapping[str, int] = {}
        self.slug_line: Callable[[], int] = lambda: 1
        self.predecessors: Mapping[str, DraftRecord] = {}
        self.forms: Mapping[str, DraftRecord] = {}

    def publish(self, document: Document, record: DraftRecord, first: Claim | None = None) -> DraftRecord:
        """Claim a document's slugs, store it, and give up the slugs that it no longer has.

        Args:
            first: the claim on the document's slug, if this run has made the first one ever.

        Returns:
            The record with the outcome. It stays as it was, but for a problem, if another draft holds the slug.
        """
        plan = plan_published(document, record.slugs)
        # At a slug that nobody ever had, nothing is stored.
        if first:
            self._held.add(plan.article)
            self._fresh.add(plan.article)
        seen = None if first else self._inspect(plan.article)
        claim = first or self._claim(plan.article)
        if claim.holder != self._key:
            problems = problem_dicts([slug_taken(plan.article, claim.holder, self.slug_line())])
            return record._replace(problems=problems, waiting_for=[plan.article])
        withdrawn = record.taken_down or self._lost_while_withdrawn
        self._carry_decisions(plan.former, plan.article, record.slug, withdrawn)
        self.takedown.take_down_again(document)
        document, taken = self._claim_addresses(document)
        address = self._first_address(plan.article, record, seen)
        self._first = address = id_beside(address, plan.article, self._key, self.forms)
        document = replace(document, file=self._key, first_address=address if address != plan.article else "")
        body = document.to_bytes()
        store_over(seen, self._ports.private, Output(document_key(plan.article), body, JSON))
        record = record._replace(
            slug=plan.article,
            state=DRAFT if document.draft else ACCEPTED,
            revision=record.revision + (digest(body) != record.document),
            document=digest(body),
            taken_down=False,
            first_address=address,
        )
        holders = {slug: self._point(slug, plan.article) for slug in plan.pointers}
        blocked = {slug: holder for slug, holder in holders.items() if holder != self._key}
        self._give_up([slug for slug in plan.former if slug not in holders or slug in blocked], plan.article)
        self._release_addresses(record.addresses, document.aliases)
        lost = [self._alias_taken(f"/articles/{slug}/", holder) for slug, holder in blocked.items()]
        lost += [self._alias_taken(*pair) for pair in taken.items()]
        return record._replace(
            warnings=[*record.warnings, *problem_dicts(lost)],
            waiting_for=[*record.waiting_for, *blocked, *taken],
        )

    def claim(self, slug: str) -> bool:
        """Claim the slug of an article before it is stored. Returns False if another draft holds it."""
        return self._claim(slug).holder == self._key

    def _claim_addresses(self, document: Document) -> tuple[Document, dict[str, str]]:
        """Claim old addresses outside `/articles/`. Returns the document without those that other drafts hold, and these."""
        holders = {address: self._claim(address).holder for address in path_aliases(document)}
        taken = {address: holder for address, holder in holders.items() if holder != self._key}
        return replace(document, aliases=tuple(each for each in document.aliases if each not in taken)), taken

    def _release_addresses(self, recorded: Sequence[str], kept: Sequence[str]) -> None:
        """Release the recorded old addresses, but for those that the article keeps."""
        for address in recorded:
            if address in kept:
                continue
            claim = articles_table.claim_of(self._ports.articles, address)
            if claim and claim.holder == self._key:
                self._displaced.update(claim.displaced)
                articles_table.release_slug(self._ports.articles, address, claim)
                claim = None
            self._held.discard(address)
            if claim:
                articles_table.correct_claim(self._ports.articles, address, claim, claim.acknowledged_by(self._key))
            else:
                self._free.add(address)

    def _keep_addresses(self, slug: str, record: DraftRecord) -> str:
        """Let what is live of a rejected draft keep the old addresses that it still holds. Returns the document's digest."""
        blob = self._ports.private.get(document_key(slug))
        document = Document.from_bytes(blob.body) if blob else None
        if not blob or not document or document.file != self._key:
            raise Conflict(f"the document of {slug} has just gone, or another draft has replaced it")
        claims = {each: articles_table.claim_of(self._ports.articles, each) for each in path_aliases(document)}
        held = {each for each, claim in claims.items() if claim and claim.holder == self._key}
        self._held.update(held)
        self._displaced.update(key for each in held if (claim := claims[each]) for key in claim.displaced)
        kept = replace(document, aliases=tuple(each for each in document.aliases if each in held or each not in claims))
        if kept != document:
            store_over(blob, self._ports.private, Output(document_key(slug), kept.to_bytes(), JSON))
        self._release_addresses(record.addresses, sorted(held))
        return digest(kept.to_bytes())

    def _first_address(self, slug: str, record: DraftRecord, seen: Stat | None) -> str:
        """Return by what feeds know the article: the slug at which it was first public; empty while it has that slug.

        A slug that was another article's address before is not enough: feeds know that one by it.
        """
        if record.first_address or (record.document and record.slug == slug):
            return record.first_address
        there = load_document(slug, self._ports) if seen else None
        if there and there.file == self._key and there.first_address:
            return there.first_address  # a run died before it saved the record
        if record.document and was_listed(record.slug, self._ports):
            return record.slug
        is_anothers = there and there.withdrawn and there.file not in ("", self._key) and there.first_address == slug
        return f"{slug}#{digest(self._key.encode())[:10]}" if is_anothers else ""

    def withdraw(self, record: DraftRecord) -> None:
        """Give up all slugs and old addresses of a draft whose file was deleted."""
        self._first = record.first_address
        self._give_up(record.slugs, "")
        self._release_addresses(record.addresses, ())

    def keep_live(self, record: DraftRecord) -> DraftRecord:
        """Keep what is live of a rejected draft, and give up its other slugs.

        A run that died may have left two articles, or one that the record does not name.

        Returns:
            The record with the slug and the digest of what is live; an empty digest for nothing.
        """
        self._first = record.first_address
        live: dict[str, str] = {}
        pointers: set[str] = set()
        for slug in record.slugs:
            claim = articles_table.claim_of(self._ports.articles, slug)
            if not claim or claim.holder != self._key:
                continue
            self._displaced.update(claim.displaced)
            blob = self._ports.private.get(document_key(slug))
            document = Document.from_bytes(blob.body) if blob else None
            if blob and document and not document.withdrawn:
                live[slug] = digest(blob.body)
            elif document and document.moved:
                pointers.add(slug)
        plan = plan_rejected(record.slug, record.slugs, live, pointers)
        if plan.article:
            self._held.update((plan.article, *plan.pointers))
            self._carry_decisions(plan.former, plan.article, record.slug, withdrawn=False)
        self._give_up(plan.former, plan.article, record.slug)
        if document := load_document(plan.article, self._ports) if plan.article else None:
            self.takedown.take_down_again(document)
        if plan.article and record.addresses:
            live[plan.article] = self._keep_addresses(plan.article, record)
        elif not plan.article:
            self._release_addresses(record.addresses, ())
        kept = record._replace(slug=plan.article or record.slug, document=live.get(plan.article, ""))
        return kept._replace(taken_down=kept.taken_down or (self._lost_while_withdrawn and not kept.document))

    def require_blocked(self, slugs: Sequence[str]) -> None:
        """Check that older drafts still hold the slugs that this one waits for.

        A draft that released or took one before this draft was recorded as waiting did not have it rendered again.

        Raises:
            Conflict: this draft could have one of them now.
        """
        for slug in slugs:
            claim = articles_table.claim_of(self._ports.articles, slug)
            # This draft may hold one itself by now: the slug of the earlier version that it fell back to.
            own = claim is not None and claim.holder == self._key
            if not claim or own or self._is_older(self._key, claim.holder, slug):
                raise Conflict(f"{self._key} need not wait for {slug} any more")

    def drafts_to_render(self, is_new: bool = False) -> set[str]:
        """Return the keys of the drafts that gain or lose a slug by what this run did.

        Also corrects what the table says this draft waits for, in case a run died between two writes.

        Args:
            is_new: whether the draft had no record before this run. No draft waits for a slug that none ever had.
        """
        if is_new and self._held <= self._fresh and not self._free and not self._displaced:
            return set()
        found = set(self._displaced)
        for waiting in articles_table.waiting(self._ports.articles):
            if waiting.key == self._key:
                self._correct_waiting(waiting)
            elif self._may_have(waiting):
                found.add(waiting.key)
        return found - {self._key}

    def _correct_waiting(self, waiting: articles_table.WaitingDraft) -> None:
        record = articles_table.draft_record(self._ports.articles, self._key)
        slugs = record.waiting_for if record else []
        if waiting.slugs != slugs:
            self._ports.articles.write([articles_table.waiting_change(self._key, slugs, waiting.version)])

    def _may_have(self, waiting: articles_table.WaitingDraft) -> bool:
        """Return True if another draft waits for a slug that is free, or that it has an older right to than this one.

        This draft's right becomes younger if its file is deleted and uploaded again before a run notices.
        """
        wanted = set(waiting.slugs)
        return bool(wanted & self._free) or any(
            self._is_older(waiting.key, self._key, slug) for slug in sorted(wanted & self._held)
        )

    def _claim(self, slug: str) -> Claim:
        """Claim a slug unless another draft holds it by an older right. Returns the claim as it is now stored."""
        claim = articles_table.claim_slug(
            self._ports.articles, slug, self._key, lambda other: self._is_older(self._key, other, slug)
        )
        if claim.holder == self._key:
            self._held.add(slug)
            self._displaced.update(claim.displaced)
        return claim

    def _is_older(self, key: str, other: str, slug: str) -> bool:
        """Return True if the first draft has an older right to a slug than the other."""
        site = load_site(self._ports)
        first, second = (Contender(name, read_history(name, site, self._ports)) for name in (key, other))
        return has_older_right(slug, first, second)

    def _point(self, slug: str, article: str) -> str:
        """Claim a slug, and store a pointer to the article there. Returns the key of the draft that holds the slug."""
        seen, claim = self._inspect(slug), self._claim(slug)
        if claim.holder == self._key:
            store_tombstone(tombstone(slug, article, self._key, self._first), seen, self._ports)
        return claim.holder

    def _give_up(self, slugs: Sequence[str], article: str, own: str = "") -> None:
        """Store a tombstone, or a pointer to the article, at each slug that the draft holds, and release it.

        Every slug without a holder counts as free: an earlier run may have released it and died before it had the drafts
        that wait for it rendered.

        Args:
            article: the slug of the article; empty if there is none.
            own: the slug that the article had, of which the draft may have lost the claim.
        """
        mine = (self._key, *self.predecessors)
        for slug in slugs:
            seen, last = self._inspect(slug), articles_table.last_claim(self._ports.articles, slug)
            claim, left = (last, None) if last and last.holder else (None, load_document(slug, self._ports))
            if left and not left.withdrawn:
                # A slow run of this draft stored its document after the slug had been released.
                articles_table.claim_slug(self._ports.articles, slug, self._key, lambda _: False)
                claim = articles_table.claim_of(self._ports.articles, slug)
            elif left and left.file in mine:
                lead_on(tombstone(slug, article, self._key, self._first), left, seen, last, self._ports)
            if claim and claim.holder == self._key:
                self._displaced.update(claim.displaced)
                self._release(slug, seen, article, claim)
                claim = None
            self._held.discard(slug)
            if not claim:
                self._free.add(slug)
                continue
            if slug == own and self._key in claim.displaced:
                self._lost_while_withdrawn |= self._decisions(slug).takes_down(self._draft)
            leave_to_holder(slug, claim, article, mine, self._ports)

    def _release(self, slug: str, seen: Stat | None, article: str, claim: Claim) -> None:
        left = pointer_to_restore(slug, claim, self._ports) or tombstone(slug, article, self._key, self._first)
        store_tombstone(left, seen, self._ports)
        if article:
            self._clear_decisions(slug, article)
        articles_table.release_slug(self._ports.articles, slug, claim, left.file if left.moved else "", left.moved)

    def _carry_decisions(self, former: Sequence[str], article: str, own: str, withdrawn: bool) -> None:
        """Store the editors' decisions about the article at its new slug.

        From a slug that the draft still holds, all decisions move; a takedown of this draft is copied. From one that another
        draft took, only a takedown is: the other decisions there may be about the other draft's article by now.

        Args:
            own: the slug that the article had. The draft's other slugs only led to it, so what was taken down at one
                that another draft holds is not this article.
            withdrawn: whether the article was withdrawn when the draft lost its own slug.
        """
        self._carried.clear()
        for slug in former:
            claim = articles_table.claim_of(self._ports.articles, slug)
            there = self._ports.private.get(decisions_key(article))
            holds = claim is not None and claim.holder == self._key
            blob = self._ports.private.get(decisions_key(slug)) if holds else None
            decisions = decisions_from(blob)
            withdrawn |= decisions.takes_down(self._draft)
            if blob and (moving := decisions.without_takedown()):
                store_decisions(article, there, moving.carried_to(decisions_from(there)), self._ports)
                self._carried[slug] = blob
            elif slug == own and claim and self._key in claim.displaced:
                withdrawn |= self._decisions(slug).takes_down(self._draft)
            elif not claim and (left := decisions_left(slug, self.predecessors, self._ports)):
                withdrawn |= left.takes_down(self._draft)
                if left.without_takedown() and not decisions_from(there).without_takedown():
                    carried = left.without_takedown().carried_to(decisions_from(there))
                    store_decisions(article, there, carried, self._ports)
        if withdrawn:
            self.takedown.withdraw_at(article, self._ports.private.get(decisions_key(article)))

    def _clear_decisions(self, slug: str, article: str) -> None:
        """Remove the decisions that moved to the new slug, as they were when they moved. A takedown stays as well.

        Raises:
            Conflict: an editor has made another decision since, which must move as well.
        """
        if slug in self._carried:
            carried = self._carried[slug]
            left = decisions_from(carried).takedown_only()
            self._ports.private.put(Output(decisions_key(slug), left.to_bytes(), JSON), carried.etag)
            return
        late = self._decisions(slug)
        if late.without_takedown() or (
            late.takes_down(self._draft) and not self._decisions(article).withdraws(self._draft)
        ):
            raise Conflict(f"an editor has just made a decision about {slug}")

    def _alias_taken(self, path: str, holder: str) -> Problem:
        return Kind.ALIAS_TAKEN.at(self.alias_lines.get(path, 0), "aliases", path=path, holder=holder)

    def _decisions(self, slug: str) -> Decisions:
        return decisions_from(self._ports.private.get(decisions_key(slug)))

    def _inspect(self, slug: str) -> Stat | None:
        return self._ports.private.stat(document_key(slug))
