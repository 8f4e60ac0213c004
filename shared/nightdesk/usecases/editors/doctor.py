"""What a newsroom can get wrong in setting up and running a stack, each with its remedy (`nightdesk doctor`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, Protocol

from nightdesk.domain.errors import NightdeskError
from nightdesk.domain.site import PUBLIC
from nightdesk.domain.stack_facts import with_parents
from nightdesk.repositories.private_bucket import SITE_KEY, load_site

if TYPE_CHECKING:
    from nightdesk.domain.stack_facts import MailState, StackState
    from nightdesk.ports import Ports, Queues
    from nightdesk.usecases.editors.takedown import Readers

OK, WARNING, FAILED, SKIPPED = "ok", "warning", "failed", "skipped"

_CLOCK_SKEW = timedelta(seconds=30)
_KEY_AGE = timedelta(days=365)
_EXPIRY = timedelta(days=30)
_CONCURRENCY = 200
"""Concurrent executions that the pipeline may take (MaximumConcurrency of all queues), with room for readers."""
_NOT_A_PAGE = "/~errors/404.html"
"""The key of an object of the site that no reader may request directly."""
_SESSION = "/api/session"


class Finding(NamedTuple):
    """The outcome of a check.

    Attributes:
        outcome: `ok`, `warning`, `failed` or `skipped`.
        remedy: what to do or type; empty if there is nothing to do.
    """

    check: str
    outcome: str
    detail: str
    remedy: str = ""


class AwsFacts(Protocol):
    """Facts about a stack on AWS.

    A method raises an exception if AWS does not answer: `Transient`, `Permanent`, or the AWS SDK's if it denies the call.
    """

    def stack(self) -> StackState:
        """Return the stack's state."""

    def alarm_subscribers(self) -> tuple[int, int]:
        """Return how many confirmed and how many unconfirmed subscribers the alarms have."""

    def mail(self, domain: str) -> MailState:
        """Return the state of SES for a sender's domain."""

    def mail_server(self, arn: str) -> str:
        """Sign in to the mail server that a secret names, and return its host name."""

    def certificate(self, arn: str) -> tuple[str, datetime | None]:
        """Return a certificate's status, and when it expires."""

    def concurrency(self) -> int:
        """Return the account's limit of concurrent executions."""

    def key_dates(self) -> Mapping[str, datetime]:
        """Return when each key that can be rotated was created, by its name."""

    def stripe_keys(self, arn: str) -> Mapping[str, str]:
        """Return the first characters of each value of Stripe's secret, by name, as far as they tell what it is."""

    def stripe_webhooks(self, arn: str) -> Mapping[str, str]:
        """Return the status of each webhook endpoint that Stripe knows, by its address."""

    def text_records(self, name: str) -> Sequence[str]:
        """Return the text records of a name in DNS."""

    def addresses(self, name: str) -> Sequence[str]:
        """Return the IP addresses of a name in DNS; none if it has none."""

    def leads_here(self, name: str) -> bool:
        """Return True if a host name serves the stack's site."""


@dataclass(frozen=True, slots=True)
class Patient:
    """A stack to examine.

    Attributes:
        site_clock: returns the site's time according to its responses.
        aws: None on the local cloud.
    """

    ports: Ports
    queues: Queues
    readers: Readers
    site_clock: Callable[[], datetime]
    aws: AwsFacts | None


def examine(patient: Patient) -> Iterator[Finding]:
    """Yield the findings of all checks. A check that cannot be made is a finding too."""
    for name, check in (*_EVERYWHERE.items(), *_ON_AWS.items()):
        if name in _ON_AWS and patient.aws is None:
            yield Finding(name, SKIPPED, "on AWS only")
            continue
        try:
            yield from check(patient)
        except Exception as error:  # if AWS denies one check, the others still run
            remedy = "Check your credentials, and the resources that the stack's parameters name; then try again."
            yield Finding(name, FAILED, f"could not be checked: {' '.join(str(error).split())}", remedy)


# --- Everywhere ---


def _pipeline(patient: Patient) -> Iterator[Finding]:
    parked = {name: count for name, count in patient.queues.dead_letters().items() if count}
    if parked:
        named = ", ".join(f"{count} of {name}" for name, count in parked.items())
        remedy = "“nightdesk status” gives the reasons; “nightdesk redrive” tries again."
        yield Finding("pipeline", FAILED, f"messages were given up on: {named}", remedy)
    else:
        waiting = sum(patient.queues.in_flight().values())
        yield Finding("pipeline", OK, f"no dead letters, {waiting} messages in flight")


def _settings(patient: Patient) -> Iterator[Finding]:
    site = load_site(patient.ports)
    if not patient.ports.private.get(SITE_KEY):
        yield Finding("settings", WARNING, "there is no site.yaml", "Publish a site.yaml with the site's name.")
    else:
        yield Finding("settings", OK, f"“{site.name}”, tiers {', '.join(site.tiers)}")


def _site(patient: Patient) -> Iterator[Finding]:
    status, _ = patient.readers.get("/", PUBLIC)
    if status == 200:
        yield Finding("site", OK, "the front page answers")
    else:
        yield Finding(
            "site", FAILED, f"the front page answers {status}", "Run “nightdesk rebuild”, then “nightdesk smoke”."
        )


def _edge(patient: Patient) -> Iterator[Finding]:
    """The edge function decides what a reader may have; without it, every object would be public."""
    status, _ = patient.readers.get(_NOT_A_PAGE, PUBLIC)
    if status == 404:
        yield Finding("edge functions", OK, "other keys of the site bucket are not served")
    else:
        remedy = "Take the site offline and deploy again: gated pages may be readable."
        yield Finding("edge functions", FAILED, f"{_NOT_A_PAGE} answers {status} instead of 404", remedy)


def _api(patient: Patient) -> Iterator[Finding]:
    """Call the readers' API through the distribution, without a session."""
    status, _ = patient.readers.get(_SESSION, PUBLIC)
    if status == 200:
        yield Finding("readers' API", OK, "it answers")
    else:
        remedy = "The saved log query “failures” shows why. After a change of OriginKeySerial, wait until the deploy is complete."
        yield Finding("readers' API", FAILED, f"{_SESSION} answers {status}: nobody can sign in or pay", remedy)


def _reading(patient: Patient) -> Iterator[Finding]:
    if patient.ports.can_sign_in:
        yield Finding("sign-in", OK, "readers can sign in")
    else:
        remedy = "Deploy with MailSender, the address that mails come from."
        yield Finding("sign-in", WARNING, "readers cannot sign in, because no mail can be sent", remedy)
    if not patient.ports.can_pay:
        yield Finding("payment", WARNING, "nothing is sold", "See “Payment” in docs/aws.md, if you want members.")
    else:
        yield Finding("payment", OK, "readers can pay")


def _clock(patient: Patient) -> Iterator[Finding]:
    skew = abs(patient.site_clock() - patient.ports.clock())
    if skew > _CLOCK_SKEW:
        remedy = "Set this machine's clock; links and uploads that it signs may be refused."
        yield Finding("clock", WARNING, f"this machine and the site differ by {skew.total_seconds():.0f} s", remedy)
    else:
        yield Finding("clock", OK, f"within {_CLOCK_SKEW.seconds} s of the site's")


# --- On AWS ---


def _facts(patient: Patient) -> AwsFacts:
    assert patient.aws is not None
    return patient.aws


def _stack(patient: Patient) -> Iterator[Finding]:
    found = _facts(patient).stack()
    if not found.status.endswith("_COMPLETE") or "ROLLBACK" in found.status:
        remedy = "See the stack's events in CloudFormation for the first failure, then deploy again."
        yield Finding("stack", FAILED, f"the stack is {found.status}", remedy)
    elif found.drift == "DRIFTED":
        remedy = "aws cloudformation describe-stack-resource-drifts --stack-name NAME shows what; “make deploy” sets it right."
        yield Finding("stack", FAILED, "the stack was changed by hand", remedy)
    elif not found.is_protected:
        remedy = "aws cloudformation update-termination-protection --enable-termination-protection --stack-name NAME"
        yield Finding("stack", WARNING, "the stack can be deleted by mistake", remedy)
    else:
        yield Finding("stack", OK, f"{found.status}, protected from deletion")
    if found.drift == "NOT_CHECKED":
        remedy = (
            "aws cloudformation detect-stack-drift --stack-name NAME compares it with its template; then ask again."
        )
        yield Finding("drift", SKIPPED, "nobody has checked whether it was changed by hand", remedy)


def _alarms(patient: Patient) -> Iterator[Finding]:
    confirmed, pending = _facts(patient).alarm_subscribers()
    if confirmed:
        yield Finding("alarms", OK, f"{confirmed} subscribers")
    elif pending:
        yield Finding("alarms", WARNING, "the subscription is not confirmed", "Open the link in the mail from AWS.")
    else:
        yield Finding("alarms", WARNING, "alarms reach no one", "Deploy with AlarmEmail.")


def _notices(patient: Patient) -> Iterator[Finding]:
    site = load_site(patient.ports)
    named = [name for name in ("webhooks", "indexnow", "websub") if getattr(site, name)]
    if named and _facts(patient).stack().parameters.get("OutboundNotices") == "no":
        remedy = "Deploy with OutboundNotices=yes, or take the settings out of site.yaml."
        yield Finding(
            "notices", WARNING, f"nobody is told anything, though the settings have {', '.join(named)}", remedy
        )
    else:
        yield Finding("notices", OK, f"the settings have {', '.join(named) or 'none'}")


def _mail(patient: Patient) -> Iterator[Finding]:
    sender = _facts(patient).stack().parameters.get("MailSender", "")
    domain = sender.rpartition("@")[2]
    if not domain:
        return
    if secret := _facts(patient).stack().parameters.get("SmtpSecretArn"):
        yield _mail_server(patient, secret)
    else:
        yield from _ses(patient, domain)
    record = f'_dmarc.{domain} TXT "v=DMARC1; p=quarantine; rua=mailto:postmaster@{domain}"'
    texts = (text for name in with_parents(domain) for text in _facts(patient).text_records(f"_dmarc.{name}"))
    if any(text.startswith("v=DMARC1") for text in texts):
        yield Finding("DMARC", OK, f"{domain} has a DMARC record")
    else:
        remedy = f"Add to DNS, or providers may refuse newsletters: {record}"
        yield Finding("DMARC", WARNING, f"{domain} has no DMARC record", remedy)


def _mail_server(patient: Patient, secret: str) -> Finding:
    """Check the newsroom's mail server, which replaces SES."""
    try:
        return Finding("mail", OK, f"{_facts(patient).mail_server(secret)} accepts the user name and password")
    except NightdeskError as error:
        remedy = "The secret must hold a JSON object of host, port, user and password. Some networks block outgoing mail: try from another one."
        return Finding("mail", FAILED, str(error), remedy)


def _ses(patient: Patient, domain: str) -> Iterator[Finding]:
    found = _facts(patient).mail(domain)
    if not found.is_sending:
        yield Finding("mail", FAILED, "SES has paused sending", "See the account dashboard of SES for the reason.")
    elif not found.in_production:
        remedy = "Request production access in SES; until then mail reaches verified addresses only."
        yield Finding("mail", FAILED, "SES is in its sandbox", remedy)
    else:
        yield Finding("mail", OK, "SES sends to every address")
    if found.dkim == "SUCCESS":
        yield Finding("DKIM", OK, f"mail from {domain} is signed")
    else:
        records = "; ".join(
            f"{token}._domainkey.{domain} CNAME {token}.dkim.amazonses.com" for token in found.dkim_tokens
        )
        remedy = f"Add to DNS: {records}" if records else f"Deploy with MailDomain={domain}, then add the DKIM records."
        yield Finding("DKIM", FAILED, f"mail from {domain} is not signed", remedy)
    yield _mail_from(found, domain)


def _mail_from(found: MailState, domain: str) -> Finding:
    """Check the domain that bounces return to (SES developer guide, "Using a custom MAIL FROM domain")."""
    if found.mail_from and found.mail_from_status == "SUCCESS":
        return Finding("MAIL FROM", OK, f"bounces return to {found.mail_from}")
    host, spf = f"feedback-smtp.{found.region}.amazonses.com", '"v=spf1 include:amazonses.com ~all"'
    remedy = f"Add to DNS: {found.mail_from} MX 10 {host}; {found.mail_from} TXT {spf}"
    if not found.mail_from:
        remedy = f"Deploy with MailDomain={domain}, then add its records."
    return Finding("MAIL FROM", WARNING, f"bounces of mail from {domain} return to Amazon's domain", remedy)


def _dns(patient: Patient) -> Iterator[Finding]:
    domain = _facts(patient).stack().parameters.get("SiteDomain", "")
    if not domain:
        return
    remedy = "Point it at DistributionDomain (“nightdesk outputs”): a CNAME, or an ALIAS at the root of a domain."
    if not _facts(patient).addresses(domain):
        yield Finding("DNS", FAILED, f"{domain} has no address", remedy)
    elif not _facts(patient).leads_here(domain):
        yield Finding("DNS", FAILED, f"{domain} does not lead to the stack's distribution", remedy)
    else:
        yield Finding("DNS", OK, f"{domain} leads to the stack's distribution")


def _certificate(patient: Patient) -> Iterator[Finding]:
    parameters = _facts(patient).stack().parameters
    if not parameters.get("SiteDomain"):
        remedy = "Deploy with SiteDomain and CertificateArn to use a domain of your own."
        yield Finding("certificate", WARNING, "the site has CloudFront's own domain name", remedy)
        return
    status, until = _facts(patient).certificate(parameters["CertificateArn"])
    if status != "ISSUED":
        remedy = "Add the certificate's validation record to DNS, and keep it there."
        yield Finding("certificate", FAILED, f"the certificate is {status}", remedy)
    elif until and until - patient.ports.clock() < _EXPIRY:
        remedy = "Its validation record must be in DNS, or ACM cannot renew it."
        yield Finding("certificate", WARNING, f"the certificate expires on {until:%Y-%m-%d}", remedy)
    else:
        yield Finding("certificate", OK, "issued")


def _quota(patient: Patient) -> Iterator[Finding]:
    limit = _facts(patient).concurrency()
    if limit < _CONCURRENCY:
        remedy = "Request more “Concurrent executions” of Lambda in Service Quotas; new accounts have few."
        yield Finding("concurrency", WARNING, f"{limit} functions may run at a time", remedy)
    else:
        yield Finding("concurrency", OK, f"{limit} functions may run at a time")


def _keys(patient: Patient) -> Iterator[Finding]:
    now = patient.ports.clock()
    old = [name for name, created in _facts(patient).key_dates().items() if now - created > _KEY_AGE]
    if old:
        remedy = "Rotate it by its serial: “Deploys” in docs/aws.md says how. No one is signed out."
        yield Finding("edge keys", WARNING, f"{', '.join(old)} is older than a year", remedy)
    else:
        yield Finding("edge keys", OK, "younger than a year")


def _stripe(patient: Patient) -> Iterator[Finding]:
    arn = _facts(patient).stack().parameters.get("StripeSecretArn", "")
    if not arn:
        return
    found = _facts(patient).stripe_keys(arn)
    for name, prefixes in {"api_key": ("rk_live", "sk_live"), "webhook_secret": ("whsec_",)}.items():
        value = found.get(name, "")
        if not value:
            remedy = "Store a JSON object of api_key and webhook_secret in the secret."
            yield Finding("Stripe", FAILED, f"the secret has no {name}", remedy)
        elif not value.startswith(prefixes):
            remedy = f"It should begin with {' or '.join(prefixes)}, unless this is a test."
            yield Finding("Stripe", WARNING, f"{name} is not a live key", remedy)
        else:
            yield Finding("Stripe", OK, f"{name} is there")
    yield _webhook(patient, arn)


def _webhook(patient: Patient, arn: str) -> Finding:
    """Return whether Stripe tells this site of payments."""
    address = load_site(patient.ports).base_url + "/api/stripe/webhook"
    try:
        status = _facts(patient).stripe_webhooks(arn).get(address, "")
    except NightdeskError as error:
        remedy = "The key needs the permission “Webhook Endpoints: read” for this check only."
        return Finding("Stripe webhook", SKIPPED, f"Stripe does not say: {error}", remedy)
    if status == "enabled":
        return Finding("Stripe webhook", OK, "Stripe sends its events here")
    remedy = f"Add the endpoint {address} in Stripe; docs/aws.md lists its events."
    return Finding("Stripe webhook", FAILED, f"the endpoint is {status or 'missing'} in Stripe", remedy)


Check = Callable[[Patient], Iterator[Finding]]
_EVERYWHERE: dict[str, Check] = {
    "pipeline": _pipeline,
    "settings": _settings,
    "site": _site,
    "edge functions": _edge,
    "readers' API": _api,
    "readers": _reading,
    "clock": _clock,
}
_ON_AWS: dict[str, Check] = {
    "stack": _stack,
    "alarms": _alarms,
    "mail": _mail,
    "DNS": _dns,
    "certificate": _certificate,
    "concurrency": _quota,
    "edge keys": _keys,
    "Stripe": _stripe,
    "notices": _notices,
}
