"""Settings of a function, from its environment variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The stack's names. A function gets those that it may use; the others are empty.

    Attributes:
        audit_bucket: of copies of the audit log under S3 Object Lock; empty where the stack keeps none.
        mail_sender: the address that mail comes from; empty where the stack cannot mail.
        mail_configuration: the configuration set of SES by which bounces and complaints of newsletters are reported.
        smtp_secret: the ARN of a secret; if it is set, mail goes through the server that it names instead of SES.
        postal_address: the newsroom's, for newsletters, where `site.yaml` names none.
        suppression_key: the ARN of the secret under which addresses that get no mail are recorded; empty for none.
        jobs_function: the name of the function that the readers' API invokes for its jobs: itself.
        origin_key: the header value by which the readers' API recognises requests of the distribution; it refuses all others.
        edge_keys: the ARNs of the edge's secrets, in order of their key ids from 1, with commas between.
        edge_key_id: of the one that signs.
        queues: the URL of one queue, and of each stage's queues its name in short, its name and that of its dead-letter queue, with blanks between.
        economy: `yes` if the stack skips what costs most (`Economy`).
        count_seconds: for how long a queue's counts may be wrong.
        can_sign_in: `yes` where readers can sign in, because the stack has a sender address.
        can_pay: `yes` where the stack was given the secret of a payment provider.
        stripe_secret: that secret's ARN. It holds JSON with `api_key` and `webhook_secret`.
        webhook_key: the ARN of the secret from which those of webhooks are derived.
        indexnow_api: where IndexNow is told; empty on the local cloud.
        loopback_webhooks: `yes` where webhooks on this machine may be reached: on the local cloud only.
        stripe_api: where Stripe's stand-in listens on a laptop; empty on AWS.
    """

    drafts_bucket: str = ""
    private_bucket: str = ""
    site_bucket: str = ""
    articles_table: str = ""
    memberships_table: str = ""
    updates_table: str = ""
    audit_table: str = ""
    audit_bucket: str = ""
    requests_table: str = ""
    bus: str = ""
    distribution_id: str = ""
    schedule_group: str = ""
    schedule_queue: str = ""
    schedule_queue_url: str = ""
    schedule_role: str = ""
    schedule_dead_letters: str = ""
    base_url: str = ""
    theme_dir: str = ""
    mail_sender: str = ""
    mail_configuration: str = ""
    smtp_secret: str = ""
    postal_address: str = ""
    editions_table: str = ""
    suppression_key: str = ""
    jobs_function: str = ""
    origin_key: str = ""
    edge_keys: str = ""
    edge_key_id: str = "1"
    queues: str = ""
    count_seconds: int = 75
    economy: str = ""
    can_pay: str = ""
    can_sign_in: str = ""
    stripe_secret: str = ""
    stripe_api: str = ""
    payment_grace_days: int = 14
    sign_ins_per_address: int = 10
    sign_ins_per_network: int = 60
    sign_ins_per_hour: int = 3000
    updates_queue: str = ""
    webhook_key: str = ""
    indexnow_api: str = ""
    loopback_webhooks: str = ""
    loopback_feeds: str = ""
    """`yes` where feeds on this machine may be read: on the local cloud only."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Settings from variables named `NIGHTDESK_…`; others are none of ours.

        Raises:
            ValueError: a variable that should be a whole number is not.
        """
        found: dict[str, Any] = {}
        for field in fields(cls):
            text = environment.get(f"NIGHTDESK_{field.name.upper()}")
            if text is not None:
                found[field.name] = int(text) if isinstance(field.default, int) else text
        return cls(**found)
