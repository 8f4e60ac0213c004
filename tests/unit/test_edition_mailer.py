"""Newsletters as SES is asked to send them, and what its answers mean."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from email import message_from_bytes, policy
from typing import Any

import boto3
import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from botocore.stub import ANY, Stubber
from nightdesk.adapters.ses import SesEditionMailer, to_message
from nightdesk.domain.errors import Permanent, Transient
from nightdesk.domain.mail import Mail, NotAccepted, SendingStopped
from nightdesk.entrypoints.newsletter_ports import newsletter_ports
from nightdesk.entrypoints.settings import Settings
from nightdesk_local.emulator import mail_headers

ADA = "ada@readers.example"
LINK = "<https://news.example/api/unsubscribe?reader=" + "a" * 32 + "&key=" + "b" * 40 + "&list=daily>"
MAIL = Mail(
    ADA,
    "Nyheter Æøå",
    "Færgen sejler igen – “snart”",
    "Hej Æøå\n" + "x" * 2000,
    "<p>Hej Æøå " + "y" * 2000 + "</p>",
    {
        "List-Unsubscribe": LINK,
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-Id": "<daily.news.example>",
    },
    {"edition": "daily_2026-11-23", "reader": "0123"},
)


@pytest.fixture
def ses() -> Any:
    return boto3.client("sesv2", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")


def test_a_message_is_as_rfc_5322_wants_it() -> None:
    raw = to_message(MAIL, "news@news.example").as_bytes()
    lines = raw.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert raw.isascii()
    message = message_from_bytes(raw, policy=policy.default)
    assert not message.defects
    assert message["Subject"] == MAIL.subject
    assert (message["From"].addresses[0].display_name, message["To"]) == ("Nyheter Æøå", ADA)
    assert message["List-Unsubscribe"] == LINK
    for name in ("From", "To", "Subject", "List-Unsubscribe", "List-Unsubscribe-Post", "MIME-Version"):
        assert len(message.get_all(name)) == 1
    [text, html] = message.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert text.get_content().replace("\r\n", "\n").rstrip("\n") == MAIL.text
    assert html.get_content().rstrip("\r\n") == MAIL.html


@pytest.mark.parametrize(
    "subject",
    [
        "مرحبا بالعالم " * 14,
        "Ærø: “a” – b " * 14,
        "「東京」の港 " * 20,
        "plain words " * 16,
        "x" * 200,
        "🚢" * 200,
        "=?utf-8?q?a?=ö",
        "A=?utf-8?q?x?= b",
    ],
)
def test_a_long_subject_is_folded_without_losing_a_blank(subject: str) -> None:
    wanted = subject.strip()
    raw = to_message(replace(MAIL, subject=wanted), "news@news.example").as_bytes()
    headers = raw[: raw.index(b"List-Unsubscribe")].split(b"\r\n")
    assert max(map(len, headers)) <= 76
    assert message_from_bytes(raw, policy=policy.default)["Subject"] == wanted


def test_headers_of_lists_are_written_letter_by_letter() -> None:
    link = (
        f"<https://news.example/api/unsubscribe?reader={'a' * 32}&key={'k' * 32}&edition=article-{'s' * 90}/2026-11-23>"
    )
    headers = {"List-Unsubscribe": link, "List-Id": f"<daily.{'l' * 60}.{'m' * 60}.example>"}
    raw = to_message(replace(MAIL, headers=headers), "news@news.example").as_bytes()
    for name, value in headers.items():
        assert f"\r\n{name}: {value}\r\n".encode() in raw, "no mail program decodes words in such headers"


@pytest.mark.parametrize("value", ["<a>\r\nBcc: eve@d.example", "<a>\nb", "<ö>"])
def test_a_header_that_cannot_be_written_is_refused(value: str) -> None:
    with pytest.raises(Permanent):
        to_message(replace(MAIL, headers={"List-Id": value}), "n@n.example")


@pytest.mark.parametrize("address", ["a@b.example\r\nBcc: c@d.example", "\ud800@b.example", "jörg@b.example"])
def test_an_address_that_cannot_be_written_is_refused(address: str) -> None:
    with pytest.raises(Permanent):
        to_message(Mail(address, "N", "S", "t", "h"), "n@n.example")


@pytest.mark.parametrize("name", ["Ærø", 'The "Quay", a paper of the harbour, and of much more: a long name', "A\\b"])
def test_the_name_of_the_sender_may_have_any_characters(name: str) -> None:
    raw = to_message(replace(MAIL, sender_name=name), "news@news.example").as_bytes()
    [sender] = message_from_bytes(raw, policy=policy.default)["From"].addresses
    assert (sender.display_name, sender.addr_spec) == (name, "news@news.example")


@pytest.mark.parametrize("subject", ["a\r\nBcc: eve@d.example", "ö\r\nBcc: eve@d.example"])
def test_a_subject_of_two_lines_is_refused(subject: str) -> None:
    with pytest.raises(Permanent):
        to_message(replace(MAIL, subject=subject), "n@n.example")


def test_ses_gets_the_message_its_tags_and_the_set_that_reports_bounces(ses: Any) -> None:
    expected = {
        "FromEmailAddress": ANY,
        "Destination": {"ToAddresses": [ADA]},
        "Content": {"Raw": {"Data": to_message(MAIL, "news@news.example").as_bytes()}},
        "EmailTags": [
            {"Name": "edition", "Value": "daily_2026-11-23"},
            {"Name": "reader", "Value": "0123"},
        ],
        "ConfigurationSetName": "reports",
    }
    with Stubber(ses) as stub:
        # Each message has a different boundary.
        stub.add_response("send_email", {"MessageId": "1"}, {**expected, "Content": ANY})
        assert SesEditionMailer(ses, "news@news.example", "reports").send(MAIL) == "1"


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("MessageRejected", 400, Permanent),
        ("BadRequestException", 400, Permanent),
        ("TooManyRequestsException", 429, NotAccepted),
        ("LimitExceededException", 400, NotAccepted),
        ("SendingPausedException", 400, SendingStopped),
        ("AccountSuspendedException", 400, SendingStopped),
        ("InternalFailure", 500, Transient),
    ],
)
def test_an_error_of_ses_says_whether_the_mail_is_on_its_way(ses: Any, code: str, status: int, kind: type) -> None:
    with Stubber(ses) as stub:
        stub.add_client_error("send_email", code, f"{ADA} is wrong", status)
        with pytest.raises((Permanent, Transient)) as caught:
            SesEditionMailer(ses, "news@news.example", "").send(MAIL)
    assert type(caught.value) is kind
    assert ADA not in str(caught.value)


def test_a_sender_that_ses_does_not_know_stops_all_mail_and_an_unknown_reader_none(ses: Any) -> None:
    said = "Email address is not verified. The following identities failed the check in region EU-NORTH-1: "
    for failed, kind in ((f"news@news.example, {ADA}", SendingStopped), (ADA, Permanent)):
        with Stubber(ses) as stub:
            stub.add_client_error("send_email", "MessageRejected", said + failed, 400)
            with pytest.raises((Permanent, SendingStopped)) as caught:
                SesEditionMailer(ses, "news@news.example", "").send(MAIL)
        assert type(caught.value) is kind


@pytest.mark.parametrize(("error", "kind"), [(ConnectTimeoutError, NotAccepted), (ReadTimeoutError, Transient)])
def test_a_lost_answer_is_told_from_a_lost_question(error: type[Exception], kind: type) -> None:
    class Broken:
        def send_email(self, **_: Any) -> None:
            raise error(endpoint_url="https://ses.example")  # type: ignore[call-arg]

    with pytest.raises(Transient) as caught:
        SesEditionMailer(Broken(), "news@news.example", "").send(MAIL)
    assert type(caught.value) is kind


def test_the_sdk_never_repeats_a_request_by_itself() -> None:
    made: dict[str, Any] = {}

    def make(service: str, config: Any = None) -> object:
        made[service] = config
        return object()

    ports = newsletter_ports(Settings(mail_sender="n@n.example"), "test", make)
    assert ports.mailer
    with pytest.raises(AttributeError):
        ports.mailer.send(MAIL)
    assert made["sesv2"].retries == {"total_max_attempts": 1}


def test_the_rate_is_the_accounts(ses: Any) -> None:
    quota = {"Max24HourSend": 200.0, "MaxSendRate": 14.0, "SentLast24Hours": 0.0}
    with Stubber(ses) as stub:
        stub.add_response("get_account", {"SendQuota": quota})
        mailer = SesEditionMailer(ses, "n@n.example", "")
        assert (mailer.rate(), mailer.rate()) == (14.0, 14.0)


def test_the_local_cloud_keeps_the_headers_of_both_kinds_of_mail() -> None:
    raw = base64.b64encode(to_message(MAIL, "n@n.example").as_bytes()).decode()
    kept = mail_headers(json.dumps({"Content": {"Raw": {"Data": raw}}}).encode())
    assert (kept["List-Unsubscribe"], kept["Subject"]) == (LINK, MAIL.subject)
    simple = {"Subject": {"Data": "S"}, "Headers": [{"Name": "Auto-Submitted", "Value": "auto-generated"}]}
    request = {
        "FromEmailAddress": "N <n@n.example>",
        "Destination": {"ToAddresses": [ADA]},
        "Content": {"Simple": simple},
    }
    assert mail_headers(json.dumps(request).encode()) == {
        "From": "N <n@n.example>", "To": ADA, "Subject": "S", "Auto-Submitted": "auto-generated"
    }  # fmt: skip
