"""`nightdesk doctor`."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from nightdesk.adapters.readers import HttpReaders
from nightdesk.domain.errors import Transient
from nightdesk.entrypoints.operator_ports import operator_editor_ports
from nightdesk.usecases.editors.doctor import FAILED, Finding, Patient, examine

from .connect import connect
from .console import result

if TYPE_CHECKING:
    from nightdesk_local.cloud import Cloud

_TIMEOUT = 10


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=doctor)


COMMANDS = {"doctor": _arguments}


def doctor(args: argparse.Namespace) -> int:
    """Check what a newsroom can get wrong; exit with status 1 if any check failed."""
    found = list(examine(_patient(connect(args.stack))))
    result([finding._asdict() for finding in found], args.json, "\n".join(map(_line, found)))
    return 1 if any(finding.outcome == FAILED for finding in found) else 0


def _patient(cloud: Cloud) -> Patient:
    ports = operator_editor_ports(cloud)
    facts = None
    if not cloud.endpoint:
        from nightdesk.adapters.aws_facts import StackFacts

        facts = StackFacts(cloud.client, cloud.stack)
    site = cloud.outputs["SiteUrl"]
    # Only public pages are read, so the key that signs sessions is not needed.
    return Patient(ports.pipeline, ports.queues, HttpReaders(site, "", ""), lambda: _time_of(site), facts)


def _time_of(site: str) -> datetime:
    """Return the time that a site's responses give.

    Raises:
        Transient: the site does not respond.
    """
    try:
        with urlopen(site, timeout=_TIMEOUT) as response:
            headers = response.headers
    except HTTPError as error:
        headers = error.headers
    except (URLError, OSError) as error:
        raise Transient("the site does not respond") from error
    date = headers.get("Date")
    return parsedate_to_datetime(date) if date else datetime.now(UTC)


def _line(finding: Finding) -> str:
    remedy = f"\n{'':<10}{finding.remedy}" if finding.remedy else ""
    return f"{finding.outcome:<10}{finding.check}: {finding.detail}{remedy}"
