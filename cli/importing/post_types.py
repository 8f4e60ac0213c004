"""The types of items in a WordPress export: parts of a site, private records of plug-ins, and texts."""

from __future__ import annotations

import re

PARTS = frozenset(
    [
        "attachment",
        "revision",
        "nav_menu_item",
        "wp_block",
        "wp_template",
        "wp_template_part",
        "wp_global_styles",
        "wp_navigation",
        "custom_css",
        "customize_changeset",
        "oembed_cache",
        "wp_font_family",
        "wp_font_face",
        "acf-field",
        "acf-field-group",
        "elementor_library",
        "amp_validated_url",
        "guest-author",
        "memberpressrule",
    ]
)
"""Types that are parts of a site and no texts of it."""
_RECORDS = re.compile(
    r"user_request|feedback|jp_pay_\w+|shop_(?:order|coupon|subscription|webhook)\w*|wc_user_membership|wpcf7_contact_form|flamingo_\w+|"
    r"edd_(?:payment|discount|log|license\w*|subscription)|memberpress\w*|mepr\w*|mp-reminder|nf_sub|wpforms\w*|"
    r"frm_\w+|mc4wp-form|give_payment|sfwd-transactions|scheduled-action|postman_sent_mail|um_form|um_directory|"
    r"wpsc-\w+|donation|booking|wc_booking|subscriber|customer|payment|transaction|invoice|bp-email"
)
"""Types of what plug-ins keep for themselves, with orders, messages and people."""
_TEXTS = re.compile(
    r"(?!.*(?:private|internal|member|client|customer|order|lead|request|subscri|draft))"
    r"(?:[\w-]+[_-])?(?:posts?|articles?|blogs?|news|story|stories|essays?|columns?|opinions?|interviews?|features?|reviews?|"
    r"press[_-]?releases?|episodes?|podcasts?|videos?|audios?|galler(?:y|ies)|albums?|photos?|events?|recipes?|projects?|portfolios?|"
    r"works?|case[_-]?stud(?:y|ies)|products?|downloads?|books?|movies?|films?|music|poems?|testimonials?|faqs?|docs?|"
    r"knowledge[_-]?base|glossary|tutorials?|guides?|teams?|people|persons?|staff|locations?|places?|jobs?|job_listing|tribe_events|"
    r"publications?|timeline|web[_-]?stor(?:y|ies))",
    re.IGNORECASE,
)
"""Types that themes and plug-ins use for what readers see."""


def is_record(kind: str) -> bool:
    """Return True for a type of private records, which belong in no folder of drafts."""
    return bool(_RECORDS.fullmatch(kind))


def is_for_readers(kind: str, link: str) -> bool:
    """Return True if readers could see the texts of a type: a post, a page, or a type that is known and has addresses."""
    return kind in ("post", "page") or bool(_TEXTS.fullmatch(kind) and "post_type=" not in link)
