"""The record of what functions did, and what the policies, as AWS gets them, say of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from nightdesk_local.emulator_permissions import (
    PASSED_ROLE,
    mail_keys,
    passed_role,
    patch_mail_permissions,
    patch_permissions,
)
from nightdesk_local.up import MAIL_SENDER
from support.permission_record import problems, unaccounted

ACCOUNT = "us-east-1:000000000000"
TABLE = f"arn:aws:dynamodb:{ACCOUNT}:table/nightdesk-ArticlesTable-A509690593305"
PRIVATE = "arn:aws:s3:::nightdesk-privatebucket-733af09644275"


@dataclass
class Context:
    """A request as MiniStack gives it to the evaluation of policies."""

    action: str
    resource_arn: str
    service_context: dict[str, Any] = field(default_factory=dict)
    principal_arn: str = "arn:aws:sts::0:assumed-role/nightdesk-GateRole-1A2B3C/nightdesk-gate"


class Evaluator:
    """Allows some actions; asks a resource's policy by the same function as MiniStack does."""

    def __init__(self, *allowed: str) -> None:
        self.allowed = allowed

    def evaluate(self, context: Context, policies: Any, *limits: Any) -> Any:
        allowed = context.action in self.allowed
        return SimpleNamespace(decision="Allow" if allowed else "ImplicitDeny", matched_sid="Some" if allowed else "")

    def evaluate_resource_policy(self, context: Context) -> Any:
        return self.evaluate(context, [])


def patched(record: Path | None, *allowed: str) -> Any:
    evaluator = Evaluator(*allowed)
    s3 = SimpleNamespace(_ensure_bucket=lambda name: {"objects": {"there": 1, "a b": 1}} if name == "site" else None)
    patch_permissions(evaluator, s3, record)
    return evaluator


def call(role: str, action: str, resource: str, decision: str = "Allow", **context: Any) -> dict[str, Any]:
    kept = {key.replace("_", ":"): value for key, value in context.items()}
    record = {"role": role, "action": action, "resource": resource, "context": kept}
    return {**record, "decision": decision, "statement": "X"}


def test_each_kind_of_call_is_recorded_once(tmp_path: Path) -> None:
    evaluator = patched(tmp_path / "record", "s3:PutObject")
    for key in ("articles/a", "articles/b", "pages/c"):
        evaluator.evaluate(Context("s3:PutObject", f"arn:aws:s3:::site/{key}"), [])
    evaluator.evaluate_resource_policy(Context("s3:GetObject", "arn:aws:s3:::site/x"))
    evaluator.evaluate(Context("s3:PutObject", "arn:aws:s3:::site/x", principal_arn="arn:aws:iam::0:user/ada"), [])
    lines = [json.loads(line) for line in (tmp_path / "record").read_text().splitlines()]
    assert [line["resource"] for line in lines] == ["arn:aws:s3:::site/articles/a", "arn:aws:s3:::site/pages/c"]
    assert {(line["role"], line["decision"], line["statement"]) for line in lines} == {("GateRole", "Allow", "Some")}


@pytest.mark.parametrize(
    ("key", "allowed", "decision"),
    [
        ("there", ("s3:GetObject",), "Allow"),
        ("a%20b", ("s3:GetObject",), "Allow"),
        ("missing", ("s3:GetObject",), "ImplicitDeny"),
        ("missing", ("s3:GetObject", "s3:ListBucket"), "Allow"),
        ("there", ("s3:ListBucket",), "ImplicitDeny"),
    ],
)
def test_only_who_may_list_a_bucket_learns_that_an_object_is_missing(
    key: str, allowed: tuple[str, ...], decision: str
) -> None:
    evaluator = patched(None, *allowed)
    assert evaluator.evaluate(Context("s3:GetObject", f"arn:aws:s3:::site/{key}"), []).decision == decision


def test_a_schedule_needs_the_permission_to_pass_its_role_on() -> None:
    request = json.dumps({"Target": {"Arn": "queue", "RoleArn": "arn:role"}}).encode()
    context = passed_role("scheduler:CreateSchedule", request)
    assert context == {PASSED_ROLE: "arn:role"}
    assert passed_role("s3:PutObject", b"\xff") == {}
    schedule = Context("scheduler:CreateSchedule", "arn:schedule", context)
    assert patched(None, "scheduler:CreateSchedule").evaluate(schedule, []).decision == "ImplicitDeny"
    both = patched(None, "scheduler:CreateSchedule", "iam:PassRole")
    assert both.evaluate(schedule, []).decision == "Allow"


def mail(sender: str, to: str, **more: Any) -> Context:
    request = {"FromEmailAddress": f"The Quay <{sender}>", "Destination": {"ToAddresses": [to]}, **more}
    return Context("ses:SendEmail", "*", mail_keys(json.dumps(request).encode()))


def test_of_a_mail_each_identity_and_the_configuration_set_is_asked_about(tmp_path: Path) -> None:
    raw = mail("desk@quay.example", "ada@readers.example", Content={"Raw": {}}, ConfigurationSetName="reports")
    assert patched(None, "ses:SendEmail").evaluate(raw, []).decision == "ImplicitDeny", "it is sent as a whole"
    assert patched(tmp_path / "record", "ses:SendEmail", "ses:SendRawEmail").evaluate(raw, []).decision == "Allow"
    lines = [json.loads(line) for line in (tmp_path / "record").read_text().splitlines()]
    resources = ["identity/quay.example", "identity/readers.example", "configuration-set/reports"]
    asked = [(line["action"], line["resource"].rpartition(":")[2]) for line in lines]
    assert asked == [(action, each) for action in ("ses:SendEmail", "ses:SendRawEmail") for each in resources]
    assert {line["context"]["ses:fromaddress"] for line in lines} == {"desk@quay.example"}


def test_what_a_mail_is_reaches_the_question_whether_it_may_be_sent() -> None:
    evaluator = patched(None, "ses:SendEmail")

    def enforce(method: str, path: str, headers: Any, body: bytes) -> str:
        return str(evaluator.evaluate(Context("ses:SendEmail", "*"), []).decision)

    app = SimpleNamespace(_enforce_ses_v2=enforce)
    patch_mail_permissions(app)
    request = {"FromEmailAddress": "a@quay.example", "Destination": {}, "Content": {"Raw": {}}}
    outbound = "/v2/email/outbound-emails"
    assert app._enforce_ses_v2("POST", outbound, {}, json.dumps(request).encode()) == "ImplicitDeny", "it is sent whole"
    assert app._enforce_ses_v2("POST", outbound, {}, json.dumps({**request, "Content": {}}).encode()) == "Allow"


@pytest.mark.parametrize("role", ["ReaderApiRole", "MailerRole"])
def test_mail_comes_from_the_newsrooms_address_alone(role: str) -> None:
    identity = f"arn:aws:ses:{ACCOUNT}:identity/readers.example"
    assert problems([call(role, "ses:SendEmail", identity, ses_fromaddress=MAIL_SENDER)]) == []
    for wrong in ({"ses_fromaddress": "someone@else.example"}, {}):
        assert "ImplicitDeny on AWS" in problems([call(role, "ses:SendEmail", identity, **wrong)])[0]
    assert problems([call("GateRole", "ses:SendEmail", identity, ses_fromaddress=MAIL_SENDER)])


def test_calls_are_decided_as_on_aws() -> None:
    role = "arn:aws:iam::000000000000:role/nightdesk-GateScheduleRole-A509690593305"
    right = [
        call("GateRole", "dynamodb:UpdateItem", TABLE, dynamodb_leadingkeys=["turn#article:a", "failure"][:1]),
        call("GateRole", "iam:PassRole", role, iam_passedtoservice=["scheduler.amazonaws.com"]),
        call("GateRole", "scheduler:CreateSchedule", f"arn:aws:scheduler:{ACCOUNT}:schedule/default/x"),
        call("ReaderApiRole", "s3:ListBucket", PRIVATE, "ImplicitDeny"),
    ]
    assert problems(right) == []
    wrong = [
        call("GateRole", "dynamodb:UpdateItem", TABLE, dynamodb_leadingkeys=["turn#article:a", "article#a"]),
        call("GateRole", "iam:PassRole", role, iam_passedtoservice=["lambda.amazonaws.com"]),
        call("GateRole", "iam:PassRole", role),
        call("GateRole", "s3:GetObject", f"{PRIVATE}/images/a"),
        call("SearchRole", "s3:PutObject", f"{PRIVATE}/articles/a.json"),
    ]
    found = problems(wrong)
    assert len(found) == len(wrong)
    assert all("on AWS" in line for line in found)


def test_a_refused_call_is_a_problem_even_if_aws_refuses_it_too() -> None:
    [found] = problems([call("SearchRole", "s3:PutObject", f"{PRIVATE}/articles/a.json", "ImplicitDeny")])
    assert found.startswith("SearchRole s3:PutObject articles/a.json: ImplicitDeny")


def test_every_statement_is_used_by_tests_or_listed_with_a_reason() -> None:
    assert {list_name: lines for list_name, lines in unaccounted().items() if lines} == {}
