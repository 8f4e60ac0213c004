"""Checkov finds nothing in the template but what was looked at and accepted, each with its reason."""

from __future__ import annotations

import json
import subprocess
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from support.template import expanded_template

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
CHECKOV = ROOT / ".venv-checkers/bin/checkov"
ACCEPTED = {
    "CKV_AWS_18 *Bucket": "the distribution's requests are logged by AccessLogDays; nobody else may read the buckets",
    "CKV_AWS_21 LogsBucket": "access logs are written once, and expire",
    "CKV_AWS_26 AlarmTopic": "the texts of alarms name queues and functions, and no one",
    "CKV_AWS_27 *Queue": "queues are encrypted with SQS's keys; messages hold identities only",
    "CKV_AWS_27 UnsentMail": "as the queues; the mails in it expire after a day",
    "CKV_AWS_86 Distribution": "AccessLogDays switches it on; Checkov does not read conditions",
    "CKV_AWS_95 EditorApiStage": "AccessLogDays switches it on; Checkov does not read conditions",
    "CKV_AWS_115 *Function": "event sources limit the stages, and Concurrency=reserved the APIs; a new account can reserve nothing",
    "CKV_AWS_116 *Function": "queues have dead-letter queues, and the asynchronous mails of the readers' API have UnsentMail",
    "CKV_AWS_117 *Function": "there is nothing in a VPC to reach, and the way out of one costs more than the stack",
    "CKV_AWS_119 *Table": "tables are encrypted with DynamoDB's keys; another key costs money with each call and protects from AWS alone",
    "CKV_AWS_149 *Key*": "as CKV_AWS_119, for secrets",
    "CKV_AWS_158 *Logs": "as CKV_AWS_119, for logs, which hold no text of articles",
    "CKV_AWS_166 BackupVault": "as CKV_AWS_119, for the vault",
    "CKV_AWS_173 *Function": "as CKV_AWS_119; the one secret among the variables stands in the distribution's configuration too",
    "CKV_AWS_174 Distribution": "the certificate of a domain asks for TLS 1.2; Checkov does not read conditions",
    "CKV_AWS_192 Firewall": "the list of known bad inputs is among the rules; it counts before it blocks",
}
"""Patterns of `Check Resource`. New kinds of findings, and known ones in other resources, are not accepted."""


@pytest.mark.skipif(not CHECKOV.exists(), reason="`make test` installs Checkov")
def test_what_checkov_finds_was_looked_at(tmp_path: Path) -> None:
    template = tmp_path / "template.json"
    template.write_text(json.dumps(expanded_template(), default=str))
    command = [CHECKOV, "-f", template, "--framework", "cloudformation", "--compact", "--quiet", "--skip-download"]
    done = subprocess.run([*command, "-o", "json"], capture_output=True, text=True, timeout=1200, check=False)
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert report["summary"]["passed"] > 300
    assert report["summary"]["parsing_errors"] == 0
    failed = report["results"]["failed_checks"]
    found = {f"{each['check_id']} {each['resource'].rpartition('.')[2]}" for each in failed}
    assert sorted(line for line in found if not any(fnmatchcase(line, known) for known in ACCEPTED)) == []
    assert [known for known in ACCEPTED if not any(fnmatchcase(line, known) for line in found)] == [], "found no more"
