"""What SES is asked to send, as botocore's own model of it has it: the emulator drops headers, so they are looked at here."""

from __future__ import annotations

from dataclasses import replace
from email.header import decode_header, make_header
from email.utils import parseaddr
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from nightdesk.adapters.aws import SesMailer
from nightdesk.domain.errors import Permanent, Transient
from nightdesk.domain.mail import Mail
from nightdesk.domain.memberships import Membership, member_id
from nightdesk.usecases.readers.members import unsubscribe_headers

ADA = "ada@readers.example"
MAIL = Mail(ADA, "The Late Meridian", "Your code: 123456", "In words", "<p>In words</p>")


@pytest.fixture
def ses() -> Any:
    return boto3.client("sesv2", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")


def expected(headers: list[dict[str, str]]) -> dict[str, Any]:
    def text(data: str) -> dict[str, str]:
        return {"Data": data, "Charset": "UTF-8"}

    body = {"Text": text("In words"), "Html": text("<p>In words</p>")}
    content = {"Simple": {"Subject": text(MAIL.subject), "Body": body, "Headers": headers}}
    sender = "The Late Meridian <news@news.example>"
    return {"FromEmailAddress": sender, "Destination": {"ToAddresses": [ADA]}, "Content": content}


AUTO = {"Name": "Auto-Submitted", "Value": "auto-generated"}


def test_no_vacation_notice_answers_a_sign_in_mail(ses: Any) -> None:
    with Stubber(ses) as stub:
        stub.add_response("send_email", {"MessageId": "1"}, expected([AUTO]))
        SesMailer(ses, "news@news.example").send(MAIL)
        stub.assert_no_pending_responses()


def test_a_newsletter_can_be_ended_by_one_click(ses: Any) -> None:
    headers = unsubscribe_headers(member_id(ADA), Membership(ADA, unsubscribe="secret"), "https://news.example/")
    link = f"<https://news.example/api/unsubscribe?reader={member_id(ADA)}&key=secret>"
    named = [{"Name": "List-Unsubscribe", "Value": link}]
    named += [{"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"}]
    with Stubber(ses) as stub:
        stub.add_response("send_email", {"MessageId": "1"}, expected([AUTO, *named]))
        SesMailer(ses, "news@news.example").send(replace(MAIL, headers=headers))
        stub.assert_no_pending_responses()


@pytest.mark.parametrize("name", ["Nyheter Æøå", 'The "Late", Meridian'])
def test_the_sender_shows_the_sites_name_with_any_characters(ses: Any, name: str) -> None:
    sent: list[str] = []
    ses.meta.events.register(
        "before-parameter-build.sesv2.SendEmail", lambda params, **_: sent.append(params["FromEmailAddress"])
    )
    with Stubber(ses) as stub:
        stub.add_response("send_email", {"MessageId": "1"})
        SesMailer(ses, "news@news.example").send(replace(MAIL, sender_name=name))
    [(shown, address)] = map(parseaddr, sent)
    assert sent[0].isascii()
    assert (str(make_header(decode_header(shown))), address) == (name, "news@news.example")


@pytest.mark.parametrize(("code", "kind"), [("MessageRejected", Permanent), ("TooManyRequestsException", Transient)])
def test_the_answer_of_ses_about_an_address_is_not_passed_on(ses: Any, code: str, kind: type[Exception]) -> None:
    with Stubber(ses) as stub:
        stub.add_client_error("send_email", code, f"{ADA} is not verified", 400)
        with pytest.raises(kind) as caught:
            SesMailer(ses, "news@news.example").send(MAIL)
    assert ADA not in str(caught.value)
