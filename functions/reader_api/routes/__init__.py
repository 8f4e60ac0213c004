"""The routes, a module for each area."""

from . import account, links, newsletter, payments, session, signin

ROUTES = (
    *signin.ROUTES,
    *session.ROUTES,
    *account.ROUTES,
    *payments.ROUTES,
    *links.ROUTES,
    *newsletter.ROUTES,
)
