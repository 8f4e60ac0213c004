"""Facts about a stack on AWS, for `nightdesk doctor`."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.request import Request, urlopen

from nightdesk.adapters.aws import translate_aws_errors
from nightdesk.adapters.dns import text_records
from nightdesk.adapters.smtp import SmtpMailer
from nightdesk.domain.errors import Permanent, Transient
from nightdesk.domain.stack_facts import MailState, StackState, with_parents

_STRIPE_WEBHOOKS = "https://api.stripe.com/v1/webhook_endpoints?limit=100"
_PROBED = "/robots.txt"
"""A page that every site has, and that rarely changes."""
_TIMEOUT = 10
_SHOWN = 8
"""Characters of a secret that tell its kind, such as `rk_live_`, and nothing more."""


class StackFacts:
    """Facts about one stack.

    Args:
        make: makes a client of a service, as `create_client` of a botocore session does.
        stack: the stack's name.
    """

    def __init__(self, make: Callable[..., Any], stack: str) -> None:
        self._make = make
        self._name = stack
        self._state: StackState | None = None
        self._distribution = ""

    def stack(self) -> StackState:
        """Return the stack's state, which is read once."""
        if self._state is None:
            with translate_aws_errors("describe the stack"):
                [found] = self._make("cloudformation").describe_stacks(StackName=self._name)["Stacks"]
            parameters = {each["ParameterKey"]: each.get("ParameterValue", "") for each in found.get("Parameters", [])}
            drift = found.get("DriftInformation", {}).get("StackDriftStatus", "NOT_CHECKED")
            is_protected = found.get("EnableTerminationProtection", False)
            self._state = StackState(found["StackStatus"], is_protected, parameters, drift)
            outputs = {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}
            self._distribution = outputs.get("DistributionDomain", "")
        return self._state

    def alarm_subscribers(self) -> tuple[int, int]:
        """Return how many confirmed and how many unconfirmed subscribers the alarms have."""
        with translate_aws_errors("list the subscribers of the alarms"):
            found = self._make("sns").list_subscriptions_by_topic(TopicArn=self._physical_id("AlarmTopic"))
        pending = [each for each in found["Subscriptions"] if not each["SubscriptionArn"].startswith("arn:")]
        return len(found["Subscriptions"]) - len(pending), len(pending)

    def mail(self, domain: str) -> MailState:
        """Return the state of SES for a sender's domain. A domain's identity also covers its subdomains (SES developer guide,
        “Verified identities”)."""
        client = self._make("sesv2")
        with translate_aws_errors("read the account of SES"):
            account = client.get_account()
        identity: dict[str, Any] = {}
        with translate_aws_errors("read the identity of the domain"):
            for name in with_parents(domain):
                try:
                    identity = client.get_email_identity(EmailIdentity=name)
                    break
                except client.exceptions.NotFoundException:
                    continue
        dkim, mail_from = identity.get("DkimAttributes", {}), identity.get("MailFromAttributes", {})
        return MailState(
            account["ProductionAccessEnabled"],
            account["SendingEnabled"],
            dkim.get("Status", ""),
            tuple(dkim.get("Tokens", ())),
            mail_from.get("MailFromDomain", ""),
            mail_from.get("MailFromDomainStatus", ""),
            client.meta.region_name,
        )

    def mail_server(self, arn: str) -> str:
        """Sign in to the mail server that a secret names, and return its host name.

        Raises:
            Permanent: the secret is incomplete.
            Transient: the server cannot be reached, or rejects the user name and password.
        """
        access = self._secret(arn)
        if missing := [name for name in ("host", "user", "password") if not access.get(name)]:
            raise Permanent(f"the mail server's secret has no {' and no '.join(missing)}")
        if not access.get("port", "465").isdecimal():
            raise Permanent("the port in the mail server's secret is not a number")
        SmtpMailer(lambda: access, "").sign_in()
        return access["host"]

    def certificate(self, arn: str) -> tuple[str, datetime | None]:
        """Return a certificate's status, and when it expires. CloudFront's certificates are in us-east-1."""
        with translate_aws_errors("describe the certificate"):
            found = self._make("acm", region_name="us-east-1").describe_certificate(CertificateArn=arn)["Certificate"]
        return found["Status"], found.get("NotAfter")

    def concurrency(self) -> int:
        """Return the account's limit of concurrent executions."""
        with translate_aws_errors("read the settings of Lambda"):
            return int(self._make("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"])

    def key_dates(self) -> Mapping[str, datetime]:
        """Return when each key that can be rotated was created, by its name."""
        client, dates = self._make("secretsmanager"), {}
        for name in ("EdgeKey", "EdgeKeyTwo", "OriginKey"):
            with translate_aws_errors("describe a key"):
                dates[name] = client.describe_secret(SecretId=self._physical_id(name))["CreatedDate"]
        return dates

    def stripe_keys(self, arn: str) -> Mapping[str, str]:
        """Return the first characters of each value of Stripe's secret, by name."""
        return {name: value[:_SHOWN] for name, value in self._secret(arn).items()}

    def stripe_webhooks(self, arn: str) -> Mapping[str, str]:
        """Return the status of each webhook endpoint that Stripe knows, by its address (Stripe's API reference, “List all webhook
        endpoints”)."""
        key = self._secret(arn).get("api_key", "")
        asked = Request(_STRIPE_WEBHOOKS, headers={"Authorization": f"Bearer {key}"})
        try:
            with urlopen(asked, timeout=_TIMEOUT) as answer:
                found = json.load(answer)["data"]
        except (OSError, ValueError, KeyError) as error:
            raise Transient(type(error).__name__) from error
        return {each["url"]: each["status"] for each in found}

    def text_records(self, name: str) -> Sequence[str]:
        """Return the text records of a name in DNS."""
        return text_records(name)

    def addresses(self, name: str) -> Sequence[str]:
        """Return the IP addresses of a name in DNS; none if it has none."""
        try:
            return sorted({str(found[4][0]) for found in socket.getaddrinfo(name, 443)})
        except OSError:
            return ()

    def leads_here(self, name: str) -> bool:
        """Return True if a host name serves the stack's site: the same page as the distribution's domain name.

        Raises:
            Transient: the distribution does not answer.
        """
        self.stack()
        shown = _page_of(self._distribution)
        if not shown:
            raise Transient(f"{self._distribution or 'the distribution'} does not answer")
        return _page_of(name) == shown

    def _secret(self, arn: str) -> dict[str, str]:
        with translate_aws_errors("read a secret"):
            text = self._make("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
        try:
            values = json.loads(text)
        except ValueError:
            return {}
        return {name: str(value) for name, value in values.items()} if isinstance(values, dict) else {}

    def _physical_id(self, logical_id: str) -> str:
        with translate_aws_errors("describe the stack"):
            found = self._make("cloudformation").describe_stack_resource(
                StackName=self._name, LogicalResourceId=logical_id
            )
        return str(found["StackResourceDetail"]["PhysicalResourceId"])


def _page_of(host: str) -> tuple[int, str] | None:
    """Return the status and ETag of a page on a host; None if it does not answer, or its certificate is for another name."""
    connection = http.client.HTTPSConnection(host, timeout=_TIMEOUT)
    try:
        connection.request("HEAD", _PROBED, headers={"User-Agent": "nightdesk"})
        answer = connection.getresponse()
        return answer.status, answer.headers.get("ETag", "")
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
