"""The routes, one module per area."""

from . import account, feeds, links, newsletter, payments, session, sign_in

ROUTES = (
    *sign_in.ROUTES,
    *session.ROUTES,
    *account.ROUTES,
    *feeds.ROUTES,
    *payments.ROUTES,
    *links.ROUTES,
    *newsletter.ROUTES,
)
