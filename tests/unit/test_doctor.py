"""`nightdesk doctor` finds each mistake of a set-up, and says what to do about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from nightdesk.adapters import aws_facts
from nightdesk.adapters.aws_facts import StackFacts
from nightdesk.adapters.dns import records_in
from nightdesk.adapters.memory import memory_ports
from nightdesk.domain.errors import NightdeskError, Permanent, Transient
from nightdesk.domain.mail import SendingStopped
from nightdesk.domain.site import Site
from nightdesk.domain.stack_facts import MailState, StackState, with_parents
from nightdesk.ports import ANY, Output
from nightdesk.usecases.editors.doctor import FAILED, OK, SKIPPED, WARNING, Finding, Patient, examine

SITE = "https://news.example"
NOW = datetime(2026, 11, 23, tzinfo=UTC)


class Queues:
    settles = timedelta(0)

    def __init__(self, parked: int = 0) -> None:
        self.parked = parked

    def in_flight(self) -> Mapping[str, int]:
        return {"gate": 2}

    def dead_letters(self) -> Mapping[str, int]:
        return {"gate": self.parked, "index": 0}


class Readers:
    def __init__(self, **statuses: int) -> None:
        self.statuses = {"front": 200, "error_page": 404, "session": 200} | statuses

    def get(self, path: str, tier: str) -> tuple[int, str]:
        return self.statuses[{"/": "front", "/api/session": "session"}.get(path, "error_page")], ""


PARAMETERS = {
    "MailSender": "desk@news.example",
    "SiteDomain": "news.example",
    "CertificateArn": "c",
    "StripeSecretArn": "s",
}
IN_ORDER = StackState("UPDATE_COMPLETE", True, PARAMETERS)
BY_SERVER = IN_ORDER._replace(parameters={**PARAMETERS, "SmtpSecretArn": "m"})
SENDING = MailState(True, True, "SUCCESS", (), "bounces.news.example", "SUCCESS", "eu-central-1")


@dataclass
class Facts:
    """A stack on AWS in order, but for what a test changes."""

    state: StackState = IN_ORDER
    subscribers: tuple[int, int] = (1, 0)
    ses: MailState = SENDING
    issued: tuple[str, datetime | None] = ("ISSUED", NOW + timedelta(days=200))
    limit: int = 1000
    created: Mapping[str, datetime] = field(default_factory=lambda: {"EdgeKey": NOW, "EdgeKeyTwo": NOW})
    stripe: Mapping[str, str] = field(default_factory=lambda: {"api_key": "rk_live_", "webhook_secret": "whsec_ab"})
    webhooks: Mapping[str, str] | None = field(default_factory=lambda: {f"{SITE}/api/stripe/webhook": "enabled"})
    texts: tuple[str, ...] = ("v=DMARC1; p=none",)
    found: tuple[str, ...] = ("192.0.2.1",)
    is_ours: bool = True
    server: str | Exception = "smtp.example"
    refusal: Exception | None = None
    error: NightdeskError | None = None

    def stripe_webhooks(self, arn: str) -> Mapping[str, str]:
        if self.webhooks is None:
            raise Transient("HTTPError")
        return self.webhooks

    def text_records(self, name: str) -> tuple[str, ...]:
        assert name == "_dmarc.news.example"
        return self.texts

    def addresses(self, name: str) -> tuple[str, ...]:
        return self.found

    def leads_here(self, name: str) -> bool:
        assert name == "news.example"
        return self.is_ours

    def mail_server(self, arn: str) -> str:
        if isinstance(self.server, Exception):
            raise self.server
        return self.server

    def stack(self) -> StackState:
        if self.error:
            raise self.error
        return self.state

    def alarm_subscribers(self) -> tuple[int, int]:
        return self.subscribers

    def mail(self, domain: str) -> MailState:
        assert domain == "news.example"
        return self.ses

    def certificate(self, arn: str) -> tuple[str, datetime | None]:
        if self.refusal:
            raise self.refusal
        return self.issued

    def concurrency(self) -> int:
        return self.limit

    def key_dates(self) -> Mapping[str, datetime]:
        return self.created

    def stripe_keys(self, arn: str) -> Mapping[str, str]:
        return self.stripe


def sound() -> Patient:
    ports = replace(memory_ports(clock=lambda: NOW), can_sign_in=True, can_pay=True)
    ports.private.put(
        Output("site.json", json.dumps(Site(name="News", base_url=SITE).to_json()).encode(), "application/json"), ANY
    )
    return Patient(ports, Queues(), Readers(), lambda: NOW, Facts())  # type: ignore[arg-type]  # only what is asked


def findings(patient: Patient) -> dict[str, Finding]:
    """Return the worst finding of each check."""
    order = [OK, SKIPPED, WARNING, FAILED]
    found: dict[str, Finding] = {}
    for finding in examine(patient):
        known = found.get(finding.check)
        if known is None or order.index(finding.outcome) > order.index(known.outcome):
            found[finding.check] = finding
    return found


def test_a_sound_stack_has_nothing_to_mend() -> None:
    found = findings(sound())
    assert {name: one.outcome for name, one in found.items() if one.outcome != OK} == {}
    assert len(found) >= 14


@pytest.mark.parametrize(
    ("facts", "check", "outcome", "remedy"),
    [
        (Facts(texts=("google-site-verification=1",)), "DMARC", WARNING, '_dmarc.news.example TXT "v=DMARC1'),
        (Facts(found=()), "DNS", FAILED, "DistributionDomain"),
        (Facts(is_ours=False), "DNS", FAILED, "DistributionDomain"),
        (Facts(BY_SERVER, server=Permanent("the secret has no host")), "mail", FAILED, "host, port, user and password"),
        (Facts(BY_SERVER, server=SendingStopped("refused")), "mail", FAILED, "host, port, user and password"),
        (Facts(webhooks={}), "Stripe webhook", FAILED, f"{SITE}/api/stripe/webhook"),
        (Facts(webhooks={f"{SITE}/api/stripe/webhook": "disabled"}), "Stripe webhook", FAILED, "in Stripe"),
        (Facts(webhooks=None), "Stripe webhook", SKIPPED, "Webhook Endpoints: read"),
        (Facts(IN_ORDER._replace(drift="DRIFTED")), "stack", FAILED, "describe-stack-resource-drifts"),
        (Facts(IN_ORDER._replace(drift="NOT_CHECKED")), "drift", SKIPPED, "detect-stack-drift"),
    ],
)
def test_what_is_wrong_outside_the_stack_is_found(facts: Facts, check: str, outcome: str, remedy: str) -> None:
    found = findings(replace(sound(), aws=facts))[check]
    assert found.outcome == outcome
    assert remedy in found.remedy


def test_a_newsroom_with_a_mail_server_need_not_care_for_ses() -> None:
    facts = Facts(BY_SERVER, ses=MailState(False, False, "", ()))
    found = findings(replace(sound(), aws=facts))
    assert (found["mail"].outcome, found["DMARC"].outcome) == (OK, OK)
    assert "smtp.example" in found["mail"].detail
    assert "DKIM" not in found


def test_a_sender_below_a_domain_follows_its_records() -> None:
    class Below(Facts):
        def text_records(self, name: str) -> tuple[str, ...]:
            return {"_dmarc.mail.news.example": (), "_dmarc.news.example": ("v=DMARC1; p=none",)}[name]

        def mail(self, domain: str) -> MailState:
            return self.ses

    below = Below(IN_ORDER._replace(parameters={**PARAMETERS, "MailSender": "desk@mail.news.example"}))
    assert findings(replace(sound(), aws=below))["DMARC"].outcome == OK
    assert with_parents("mail.news.example") == ["mail.news.example", "news.example"]
    assert with_parents("localhost") == ["localhost"]


def test_an_identity_of_a_domain_signs_for_those_below_it() -> None:
    class NotFoundException(Exception):
        pass

    def get_email_identity(EmailIdentity: str) -> dict[str, Any]:
        if EmailIdentity != "news.example":
            raise NotFoundException
        return {"DkimAttributes": {"Status": "SUCCESS"}}

    account = {"ProductionAccessEnabled": True, "SendingEnabled": True}
    client = SimpleNamespace(
        get_account=lambda: account,
        get_email_identity=get_email_identity,
        exceptions=SimpleNamespace(NotFoundException=NotFoundException),
        meta=SimpleNamespace(region_name="eu-north-1"),
    )
    assert StackFacts(lambda service: client, "desk").mail("mail.news.example").dkim == "SUCCESS"
    assert StackFacts(lambda service: client, "desk").mail("other.example").dkim == ""


def test_a_check_that_aws_refuses_does_not_end_the_others() -> None:
    refusal = {"Error": {"Code": "AccessDeniedException", "Message": "not authorized to perform\nacm:Describe"}}
    facts = Facts(refusal=ClientError(refusal, "DescribeCertificate"), limit=10)
    found = findings(replace(sound(), aws=facts))
    assert (found["certificate"].outcome, "not authorized to perform acm" in found["certificate"].detail) == (
        FAILED,
        True,
    )
    assert {name for name, one in found.items() if one.outcome != OK} == {"certificate", "concurrency"}


@pytest.mark.parametrize(
    ("secret", "message"),
    [
        ({"host": "smtp.example", "user": "desk"}, "no password"),
        ({"port": "465"}, "no host and no user and no password"),
        ({"host": "smtp.example", "user": "desk", "password": "x", "port": "smtp"}, "not a number"),
    ],
)
def test_a_secret_that_names_no_mail_server_is_explained(secret: dict[str, str], message: str) -> None:
    client = SimpleNamespace(get_secret_value=lambda SecretId: {"SecretString": json.dumps(secret)})
    with pytest.raises(Permanent, match=message):
        StackFacts(lambda service: client, "desk").mail_server("arn")


def test_a_domain_leads_to_the_stack_if_it_shows_the_same_page(monkeypatch: pytest.MonkeyPatch) -> None:
    pages: dict[str, tuple[int, str] | None] = {"d1.cloudfront.example": (200, '"a"'), "parked.example": (200, '"b"')}
    pages |= {"news.example": (200, '"a"'), "dead.example": None}
    monkeypatch.setattr(aws_facts, "_page_of", pages.__getitem__)
    outputs = [{"OutputKey": "DistributionDomain", "OutputValue": "d1.cloudfront.example"}]
    answer = {"Stacks": [{"StackStatus": "CREATE_COMPLETE", "Outputs": outputs}]}
    client = SimpleNamespace(describe_stacks=lambda StackName: answer)
    facts = StackFacts(lambda service: client, "desk")
    assert [facts.leads_here(name) for name in ("news.example", "parked.example", "dead.example")] == [
        True,
        False,
        False,
    ]
    pages["d1.cloudfront.example"] = None
    with pytest.raises(Transient):
        facts.leads_here("news.example")


def test_text_records_are_read_from_a_response_of_dns() -> None:
    question = b"\x06_dmarc\x04news\x07example\x00\x00\x10\x00\x01"
    text = b"\x09v=DMARC1;\x07 p=none"
    other = b"\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x02\xc0\x0c"
    record = b"\xc0\x0c\x00\x10\x00\x01\x00\x00\x00\x3c" + bytes([0, len(text)]) + text
    assert records_in(b"\x00\x01\x81\x80\x00\x01\x00\x02\x00\x00\x00\x00" + question + other + record) == [
        "v=DMARC1; p=none"
    ]
    for cut in (b"", b"\x00\x01\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" + question):
        with pytest.raises(Transient):
            records_in(cut)


def test_the_local_cloud_skips_what_is_of_aws() -> None:
    found = findings(replace(sound(), aws=None))
    assert {name for name, one in found.items() if one.outcome == SKIPPED} >= {"stack", "mail", "certificate"}
    assert {one.outcome for one in found.values()} == {OK, SKIPPED}


def test_settings_that_the_stack_ignores_are_found() -> None:
    ignoring = Facts(StackState("CREATE_COMPLETE", True, {**PARAMETERS, "OutboundNotices": "no"}))
    patient = replace(sound(), aws=ignoring)
    assert findings(patient)["notices"].outcome == OK
    site = Site(websub="https://hub.example/", indexnow=True)
    patient.ports.private.put(Output("site.json", json.dumps(site.to_json()).encode(), "application/json"), ANY)
    found = findings(patient)["notices"]
    assert (found.outcome, "OutboundNotices=yes" in found.remedy) == (WARNING, True)
    assert found.detail.endswith("indexnow, websub")
    assert findings(replace(patient, aws=Facts()))["notices"].outcome == OK


@pytest.mark.parametrize(
    ("check", "outcome", "remedy", "changes"),
    [
        ("pipeline", FAILED, "redrive", {"queues": Queues(parked=3)}),
        ("site", FAILED, "rebuild", {"readers": Readers(front=500)}),
        ("edge functions", FAILED, "offline", {"readers": Readers(error_page=200)}),
        ("readers' API", FAILED, "OriginKeySerial", {"readers": Readers(session=403)}),
        ("clock", WARNING, "clock", {"site_clock": lambda: NOW + timedelta(minutes=5)}),
        ("sign-in", WARNING, "MailSender", {"ports": replace(sound().ports, can_sign_in=False)}),
        ("settings", WARNING, "site.yaml", {"ports": memory_ports(clock=lambda: NOW)}),
        ("stack", FAILED, "first failure", {"aws": Facts(StackState("UPDATE_ROLLBACK_COMPLETE", True, PARAMETERS))}),
        ("stack", WARNING, "termination-protection", {"aws": Facts(StackState("CREATE_COMPLETE", False, PARAMETERS))}),
        ("alarms", WARNING, "AlarmEmail", {"aws": Facts(subscribers=(0, 0))}),
        ("alarms", WARNING, "link", {"aws": Facts(subscribers=(0, 1))}),
        ("mail", FAILED, "production access", {"aws": Facts(ses=MailState(False, True, "SUCCESS", ()))}),
        ("mail", FAILED, "dashboard", {"aws": Facts(ses=MailState(True, False, "SUCCESS", ()))}),
        (
            "DKIM",
            FAILED,
            "x1._domainkey.news.example CNAME",
            {"aws": Facts(ses=MailState(True, True, "PENDING", ("x1",)))},
        ),
        ("DKIM", FAILED, "MailDomain=news.example", {"aws": Facts(ses=MailState(True, True, "", ()))}),
        (
            "MAIL FROM",
            WARNING,
            "bounces.news.example MX 10 feedback-smtp.eu-central-1.amazonses.com",
            {"aws": Facts(ses=SENDING._replace(mail_from_status="PENDING"))},
        ),
        ("MAIL FROM", WARNING, "MailDomain=news.example", {"aws": Facts(ses=SENDING._replace(mail_from=""))}),
        ("certificate", FAILED, "DNS", {"aws": Facts(issued=("PENDING_VALIDATION", None))}),
        ("certificate", WARNING, "renew", {"aws": Facts(issued=("ISSUED", NOW + timedelta(days=3)))}),
        ("concurrency", WARNING, "Service Quotas", {"aws": Facts(limit=10)}),
        ("edge keys", WARNING, "Rotate", {"aws": Facts(created={"OriginKey": NOW - timedelta(days=400)})}),
        ("Stripe", WARNING, "rk_live", {"aws": Facts(stripe={"api_key": "sk_test_", "webhook_secret": "whsec_ab"})}),
        ("Stripe", FAILED, "webhook_secret", {"aws": Facts(stripe={"api_key": "rk_live_"})}),
        ("stack", FAILED, "credentials", {"aws": Facts(error=Transient("AccessDenied"))}),
    ],
)
def test_each_mistake_is_found_with_its_remedy(check: str, outcome: str, remedy: str, changes: dict[str, Any]) -> None:
    found = findings(replace(sound(), **changes))
    assert found[check].outcome == outcome
    assert remedy in found[check].remedy


def test_facts_are_read_from_aws_and_secrets_are_cut() -> None:
    session = botocore.session.Session()
    session.set_credentials("AKIAEXAMPLE", "secret")
    clients, stubs = {}, {}
    for service in ("cloudformation", "sns", "secretsmanager", "lambda", "sesv2"):
        clients[service] = session.create_client(service, region_name="eu-central-1")
        stubs[service] = Stubber(clients[service])
        stubs[service].activate()
    stack = {
        "StackName": "desk",
        "StackStatus": "CREATE_COMPLETE",
        "CreationTime": NOW,
        "EnableTerminationProtection": True,
    }
    parameters = [{"ParameterKey": "MailSender", "ParameterValue": "desk@news.example"}]
    stubs["cloudformation"].add_response("describe_stacks", {"Stacks": [{**stack, "Parameters": parameters}]})
    resource = {"LogicalResourceId": "AlarmTopic", "PhysicalResourceId": "arn:topic", "ResourceType": "T"}
    detail = {"StackResourceDetail": {**resource, "LastUpdatedTimestamp": NOW, "ResourceStatus": "CREATE_COMPLETE"}}
    stubs["cloudformation"].add_response("describe_stack_resource", detail)
    listed = [{"SubscriptionArn": "arn:aws:sns:x"}, {"SubscriptionArn": "PendingConfirmation"}]
    stubs["sns"].add_response("list_subscriptions_by_topic", {"Subscriptions": listed}, {"TopicArn": "arn:topic"})
    secret = json.dumps({"api_key": "rk_live_verysecret", "webhook_secret": "whsec_verysecret"})
    stubs["secretsmanager"].add_response("get_secret_value", {"SecretString": secret})
    stubs["lambda"].add_response("get_account_settings", {"AccountLimit": {"ConcurrentExecutions": 10}})
    stubs["sesv2"].add_response("get_account", {"ProductionAccessEnabled": True, "SendingEnabled": True})
    returned = {
        "MailFromDomain": "bounces.news.example",
        "MailFromDomainStatus": "PENDING",
        "BehaviorOnMxFailure": "USE_DEFAULT_VALUE",
    }
    identity = {"DkimAttributes": {"Status": "SUCCESS", "Tokens": ["x1"]}, "MailFromAttributes": returned}
    stubs["sesv2"].add_response("get_email_identity", identity, {"EmailIdentity": "news.example"})
    facts = StackFacts(lambda service, **_: clients[service], "desk")
    signed = MailState(True, True, "SUCCESS", ("x1",), "bounces.news.example", "PENDING", "eu-central-1")
    assert facts.mail("news.example") == signed
    assert facts.stack() == StackState("CREATE_COMPLETE", True, {"MailSender": "desk@news.example"}, "NOT_CHECKED")
    assert facts.alarm_subscribers() == (1, 1)
    assert facts.concurrency() == 10
    assert facts.stripe_keys("arn") == {"api_key": "rk_live_", "webhook_secret": "whsec_ve"}
    for stub in stubs.values():
        stub.assert_no_pending_responses()
