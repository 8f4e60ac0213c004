"""Notices to the outside: who receives which, how they are signed, and what happens if a receiver does not respond."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from nightdesk.adapters.memory import MemoryTable, memory_ports
from nightdesk.adapters.web import GuardedWeb
from nightdesk.domain.errors import Permanent, Rejected, Transient
from nightdesk.domain.events import (
    ArticleGated,
    ArticleRendered,
    CacheInvalidated,
    DraftRejected,
    Event,
    MembershipChanged,
    NoticeRequested,
    SiteChanged,
)
from nightdesk.domain.site import Site, Webhook
from nightdesk.domain.site_file import parse_site
from nightdesk.domain.site_paths import indexnow_key
from nightdesk.domain.webhooks import Notice, parse_notice, secret_text, signed_headers, signing_key, webhook_id
from nightdesk.ports import ANY, Output, Ports
from nightdesk.stages.batch import Runtime, process_batch
from nightdesk.stages.notify import NotifyBatch
from nightdesk.usecases.pipeline.notify import Outside
from support.feed_server import FeedServer, fail

HOOK, OTHER = "https://hooks.example/in?token=abc", "https://other.example/"
BASE = "https://news.example"
KEY = "k" * 48
Answers = dict[str, int | Exception]


class Clock:
    """A clock that a test sets."""

    now = datetime(2026, 11, 29, 20, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class FakeWeb:
    """Servers that answer what a test says, 200 by default, and record what they get."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.posts: list[tuple[str, Mapping[str, str], bytes]] = []

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        self.posts.append((url, headers, body))
        answer = self.answers.get(url, 200)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Desk:
    """The notify stage with its queue, over ports in memory."""

    def __init__(self, settings: str, answers: Answers | None = None) -> None:
        self.ports: Ports = memory_ports(BASE, clock=Clock())
        site, _ = parse_site(settings.encode())
        body = json.dumps(site.to_json()).encode()
        self.ports.private.put(Output("site.json", body, "application/json"), ANY)
        self.web = FakeWeb(answers or {})
        self.notes: list[dict[str, Any]] = []
        self.failures: list[Exception] = []
        self.keys_read = 0

    def batch(self, _: bool = False) -> NotifyBatch:
        def key() -> str:
            self.keys_read += 1
            return KEY

        outside = Outside(self.web, key, "https://api.indexnow.example/")
        return NotifyBatch(self.ports, outside, lambda what, **facts: self.notes.append(facts))

    def run(self, *notices: Notice) -> list[Notice]:
        """Process a batch, and return the messages that must be retried."""
        runtime = Runtime(self.batch, lambda notice: notice, self.failures.append)
        return [notice for notice, _ in process_batch(notices, False, runtime)]

    def requested(self) -> list[Notice]:
        """Return the notices that were requested, as they come back from the bus."""
        sent = list(self.ports.bus.events)  # type: ignore[attr-defined]  # memory_ports gives MemoryBus
        self.ports.bus.events.clear()  # type: ignore[attr-defined]
        assert all(isinstance(event, NoticeRequested) for event in sent)
        return [parse_notice(as_message(event, f"n{number}")) for number, event in enumerate(sent)]

    def tell(self, *events: Event) -> list[Notice]:
        """Let the stage process events, and then what it requests. Returns what must be retried."""
        assert self.run(*(Notice(event, f"e{n}", "2026-11-23T02:10:04Z") for n, event in enumerate(events))) == []
        return self.run(*self.requested())


def as_message(event: Event, identifier: str) -> str:
    return json.dumps(
        {"id": identifier, "detail-type": event.name, "source": "nightdesk.x", "time": "t", "detail": event.to_detail()}
    )


def webhooks(*urls: str, events: str = "") -> str:
    rows = "".join(f"  - url: {url}\n" + (f"    events: {events}\n" if events else "") for url in urls)
    return f"webhooks:\n{rows}"


GATED = ArticleGated("harbour", "live", ["/articles/harbour/*"], "topic-energy", "live")


# --- Webhooks ---


def verify(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Verify a delivery as a receiver does, by the text of the Standard Webhooks specification alone."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body.decode()}"
    expected = base64.b64encode(hmac.new(key, content.encode(), hashlib.sha256).digest()).decode()
    versions = [signature.split(",", 1) for signature in headers["webhook-signature"].split(" ")]
    return any(version == "v1" and hmac.compare_digest(found, expected) for version, found in versions)


def test_a_webhook_is_told_what_happened_with_a_signature_that_verifies() -> None:
    desk = Desk(webhooks(HOOK))
    assert desk.tell(GATED) == []
    [(url, headers, body)] = desk.web.posts
    assert url == HOOK
    assert json.loads(body) == {
        "id": "e0",
        "type": "ArticleGated",
        "created": "2026-11-23T02:10:04Z",
        "data": {"slug": "harbour", "state": "live", "paths": ["/articles/harbour/*"]},
    }
    assert headers["webhook-id"] == "e0"
    assert headers["webhook-timestamp"] == str(int(desk.ports.clock().timestamp()))
    secret = secret_text(signing_key(KEY, HOOK, "1"))
    assert verify(secret, headers, body)
    assert not verify(secret, headers, body + b" ")
    assert not verify(secret_text(signing_key(KEY, OTHER, "1")), headers, body)
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32, "the specification asks for 24 to 64 bytes"


def test_the_published_example_of_the_specification_is_signed_in_the_same_way() -> None:
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signed_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', [key])
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_new_secret_signs_beside_the_old_one_until_the_old_one_is_dropped() -> None:
    desk = Desk(f"webhooks: {{url: '{HOOK}', secret: [2027, 1]}}")
    desk.tell(GATED)
    [(_, headers, body)] = desk.web.posts
    for name in ("2027", "1"):
        assert verify(secret_text(signing_key(KEY, HOOK, name)), headers, body)
    assert len(headers["webhook-signature"].split(" ")) == 2


def test_a_webhook_is_told_only_of_the_events_that_it_asks_for() -> None:
    desk = Desk(webhooks(HOOK, events="[ArticleGated, DraftRejected]"))
    desk.tell(ArticleRendered("harbour", 1), GATED, CacheInvalidated(["/"]))
    assert [json.loads(body)["type"] for _, _, body in desk.web.posts] == ["ArticleGated"]


def test_problems_of_drafts_and_readers_are_told_by_number_and_digest_alone() -> None:
    problems = [{"line": 3, "key": "tier", "message": "“the hidden sentence” is not a tier"}]
    desk = Desk(webhooks(HOOK))
    desk.tell(DraftRejected("drafts/harbour.md", "harbour", problems), MembershipChanged("0" * 32))
    rejected, changed = (json.loads(body)["data"] for _, _, body in desk.web.posts)
    assert rejected == {"key": "drafts/harbour.md", "slug": "harbour", "problems": 1}
    assert changed == {"id": "0" * 32}


@pytest.mark.parametrize("status", [302, 400, 401, 404, 422, 429, 500, 503])
def test_a_webhook_that_is_down_is_told_again_with_the_same_id(status: int) -> None:
    desk = Desk(webhooks(HOOK, OTHER), {HOOK: status})
    [failed] = desk.tell(GATED)
    assert str(desk.failures[0]) == f"hooks.example answered {status}", "not the address, which may hold a password"
    assert [url for url, _, _ in desk.web.posts] == [HOOK, OTHER]
    desk.web.answers[HOOK] = 204
    assert desk.run(failed) == []
    assert [url for url, _, _ in desk.web.posts] == [HOOK, OTHER, HOOK], "the other one is not told twice"
    assert {headers["webhook-id"] for _, headers, _ in desk.web.posts} == {"e0"}


def test_slow_servers_do_not_use_up_the_time_of_the_function() -> None:
    desk = Desk(webhooks(HOOK, OTHER))
    batch = desk.batch()
    assert desk.run(Notice(GATED, "e0", "t")) == []
    first, second = desk.requested()
    batch.handle(first)
    desk.ports.clock.now += timedelta(seconds=61)  # type: ignore[attr-defined]
    with pytest.raises(Transient, match="took too long"):
        batch.handle(second)
    desk.batch().handle(second)
    assert [url for url, _, _ in desk.web.posts] == [HOOK, OTHER]


def test_a_webhook_that_does_not_answer_is_told_again() -> None:
    desk = Desk(webhooks(HOOK), {HOOK: Transient("hooks.example: took too long")})
    assert len(desk.tell(GATED)) == 1


@pytest.mark.parametrize("answer", [410, Permanent("hooks.example is not reached")])
def test_a_refusal_is_noted_and_final(answer: int | Exception) -> None:
    desk = Desk(webhooks(HOOK), {HOOK: answer})
    assert desk.tell(GATED) == []
    assert [note["result"] for note in desk.notes] == ["refused"]
    assert "token" not in json.dumps(desk.notes)


def test_a_webhook_that_the_settings_no_longer_have_is_not_told() -> None:
    desk = Desk(webhooks(OTHER))
    assert desk.run(Notice(NoticeRequested(webhook_id(HOOK), "e", "ArticleGated", "t", {}), "n", "t")) == []
    assert (desk.web.posts, desk.notes[0]["result"], desk.keys_read) == ([], "dropped", 0)


def test_without_settings_nothing_is_sent_or_read_but_the_settings() -> None:
    desk = Desk("name: N\n")
    assert desk.tell(GATED, CacheInvalidated(["/articles/harbour/*", "/feed.xml"])) == []
    assert (desk.web.posts, desk.notes, desk.keys_read) == ([], [], 0)


def test_other_messages_become_dead_letters() -> None:
    desk = Desk("name: N\n")
    stray = Notice(SiteChanged(), "e", "t")
    assert desk.run(stray) == [stray]
    with pytest.raises(Permanent, match="not an event"):
        parse_notice(json.dumps({"source": "aws.s3", "detail": {"object": {"key": "drafts/a.md"}}}))


# --- Search engines and the hub ---


def test_search_engines_are_told_of_changed_and_withdrawn_articles_at_once() -> None:
    desk = Desk("indexnow: true\n")
    desk.tell(
        CacheInvalidated(["/articles/harbour/*", "/", "/feed.xml"]),
        CacheInvalidated(["/articles/ferry/*", "/articles/harbour/*", "/topics/energy/"]),
        GATED,
    )
    [(url, headers, body)] = desk.web.posts
    key = indexnow_key(BASE)
    assert (url, headers["Content-Type"]) == ("https://api.indexnow.example/", "application/json; charset=utf-8")
    assert json.loads(body) == {
        "host": "news.example",
        "key": key,
        "keyLocation": f"{BASE}/{key}.txt",
        "urlList": [f"{BASE}/articles/harbour/", f"{BASE}/articles/ferry/"],
    }


def test_a_change_of_everything_is_told_in_parts_that_fit_into_messages() -> None:
    desk = Desk("indexnow: true\n")
    desk.tell(CacheInvalidated([f"/articles/a-{number}/*" for number in range(1100)]))
    assert [len(json.loads(body)["urlList"]) for _, _, body in desk.web.posts] == [500, 500, 100]


def test_the_hub_is_told_of_each_feed_that_changed() -> None:
    desk = Desk("websub: https://hub.example/\n")
    desk.tell(
        CacheInvalidated(["/", "/feed.xml", "/feed.json", "/articles/harbour/*"]),
        CacheInvalidated(["/feed.xml", "/topics/energy/feed.xml", "/updates/latest.json"]),
    )
    assert {url for url, _, _ in desk.web.posts} == {"https://hub.example/"}
    assert [parse_qs(body.decode()) for _, _, body in desk.web.posts] == [
        {"hub.mode": ["publish"], "hub.url": [BASE + path]}
        for path in ("/feed.xml", "/feed.json", "/topics/energy/feed.xml")
    ]


@pytest.mark.parametrize(("status", "retried"), [(503, 2), (404, 0)])
def test_a_hub_that_is_down_or_refuses_is_not_told_of_the_other_feeds_of_the_message(status: int, retried: int) -> None:
    desk = Desk("websub: https://hub.example/\n", {"https://hub.example/": status})
    feeds = ["/feed.xml", "/feed.json", *(f"/topics/t-{number}/feed.xml" for number in range(8))]
    assert len(desk.tell(CacheInvalidated(feeds))) == retried
    assert len(desk.web.posts) == 2, "one of each message of five"


@pytest.mark.parametrize("base", ["http://localhost:8080", "https://desk.internal", "https://10.0.0.1"])
def test_a_site_that_is_not_public_tells_no_search_engine_and_no_hub(base: str) -> None:
    desk = Desk(f"indexnow: true\nwebsub: https://hub.example/\nbase_url: {base}\n")
    desk.tell(CacheInvalidated(["/articles/harbour/*", "/feed.xml"]))
    assert desk.web.posts == []


# --- Settings ---


def test_the_settings_are_read_and_survive_storage() -> None:
    site, warnings = parse_site(
        f"webhooks:\n  - url: '{HOOK}'\n    events: ArticleGated, DraftRejected\n    secret: spring\n  - {{url: '{OTHER}'}}\n"
        "indexnow: true\nwebsub: https://hub.example/\nllms: yes\n".encode()
    )
    assert warnings == ()
    assert site.webhooks == (Webhook(HOOK, ("ArticleGated", "DraftRejected"), ("spring",)), Webhook(OTHER))
    assert (site.indexnow, site.websub, site.llms) == (True, "https://hub.example/", True)
    assert Site.from_json(json.loads(json.dumps(site.to_json()))) == site
    old = {
        name: value for name, value in site.to_json().items() if name not in ("webhooks", "indexnow", "websub", "llms")
    }
    assert (Site.from_json(old).webhooks, Site.from_json(old).websub) == ((), "")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("webhooks: {url: http://hooks.example/}", "an https address"),
        ("webhooks: {url: https://hooks.example:8443/}", "port other than 443"),
        ("webhooks: {url: https://169.254.169.254/latest/}", "an https address"),
        ("webhooks: {url: https://user:secret@hooks.example/}", "an https address"),
        ("webhooks: {events: [ArticleGated]}", "an https address"),
        ("webhooks: [{url: https://a.example/}, {url: https://a.example/}]", "listed twice"),
        (
            "webhooks: {url: https://a.example/, events: [ArticlePublished]}",
            "is not an event that webhooks are told of",
        ),
        ("webhooks: {url: https://a.example/, events: [EntriesChanged]}", "is not an event that webhooks are told of"),
        ("webhooks: {url: https://a.example/, secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}", "not a secret"),
        ("webhooks: {url: https://a.example/, secret: [a, b, c, d]}", "one to three names"),
        ("websub: http://hub.example/", "https address of a WebSub hub"),
        ("indexnow: maybe", "true or false"),
    ],
)
def test_settings_of_a_wrong_form_are_refused(text: str, words: str) -> None:
    with pytest.raises(Rejected, match=words):
        parse_site(text.encode())


def test_an_unknown_key_of_a_webhook_is_reported() -> None:
    _, [warning] = parse_site(b"webhooks: {url: https://a.example/, event: [ArticleGated]}")
    assert "did you mean `events`?" in str(warning)


def test_llms_txt_is_questioned_where_no_such_crawler_may_come() -> None:
    settings = {
        "ai_training: false, ai_search: false": 1,
        "disallow: [/]": 1,
        "ai_training: false": 0,
        "block: [GPTBot]": 0,
    }
    for robots, count in settings.items():
        _, warnings = parse_site(f"robots: {{{robots}}}\nllms: true\n".encode())
        assert len(warnings) == count, robots


# --- The command and the function ---


def test_the_command_shows_secrets_that_verify_what_is_sent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from nightdesk_cli import webhooks as command
    from nightdesk_cli.main import main

    desk = Desk(webhooks(HOOK))
    monkeypatch.setattr(command, "connect", lambda _: None)
    monkeypatch.setattr(command, "operator_ports", lambda _: desk.ports)
    monkeypatch.setattr(command, "webhook_key", lambda _: KEY)
    assert main(["webhooks"]) == 0
    assert capsys.readouterr().out == f"{HOOK}  all events\n"
    assert main(["webhooks", "--json", HOOK]) == 0
    [secret] = json.loads(capsys.readouterr().out).values()
    desk.tell(GATED)
    [(_, headers, body)] = desk.web.posts
    assert verify(secret, headers, body)
    assert main(["webhooks", OTHER]) == 2
    assert "“nightdesk webhooks” lists" in capsys.readouterr().err


def test_a_stack_that_tells_nobody_has_no_secrets() -> None:
    from types import SimpleNamespace

    from nightdesk.entrypoints.operator_ports import webhook_key

    with pytest.raises(Permanent, match="OutboundNotices=yes"):
        webhook_key(SimpleNamespace(outputs={"WebhookKeyArn": "-"}))  # type: ignore[arg-type]


def test_a_failed_notice_is_given_again_after_ever_longer_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    from nightdesk.entrypoints import queue_worker
    from nightdesk.entrypoints.outside_ports import retry_delay

    waited: list[int] = []
    queues = SimpleNamespace(
        get_queue_url=lambda **_: {"QueueUrl": "q"},
        change_message_visibility=lambda **call: waited.append(call["VisibilityTimeout"]),
    )
    monkeypatch.setattr(queue_worker, "make_session", lambda: SimpleNamespace(create_client=lambda *_, **__: queues))
    desk = Desk(webhooks(HOOK), {HOOK: 503})
    body = as_message(NoticeRequested(webhook_id(HOOK), "e", "ArticleGated", "t", {"slug": "a"}), "n")
    for count in (1, 2, 3, 4):
        record = {
            "messageId": "m", "receiptHandle": "h", "body": body, "eventSourceARN": "arn:aws:sqs:eu-north-1:1:q",
            "attributes": {"ApproximateReceiveCount": str(count), "SentTimestamp": "0"},
        }  # fmt: skip
        answer = queue_worker.process_sqs_event(
            {"Records": [record]}, desk.batch, MemoryTable(), read=parse_notice, delay=retry_delay
        )
        assert len(answer["batchItemFailures"]) == 1
    assert waited == [30, 120, 480, 1920]


def test_a_delivery_over_the_network_verifies_at_its_receiver() -> None:
    server = FeedServer()
    server.handlers["/in"] = fail(202)
    desk = Desk(webhooks(server.url("/in")))
    desk.web = GuardedWeb(loopback=True)  # type: ignore[assignment]
    assert desk.tell(GATED) == []
    server.close()
    [(_, headers)], [body] = server.requests, server.bodies
    assert verify(secret_text(signing_key(KEY, server.url("/in"), "1")), headers, body)
    assert [note["status"] for note in desk.notes] == [202]
