"""The routes, one module per area."""

from . import account, links, newsletter, payments, session, sign_in

ROUTES = (
    *sign_in.ROUTES,
    *session.ROUTES,
    *account.ROUTES,
    *payments.ROUTES,
    *links.ROUTES,
    *newsletter.ROUTES,
)
