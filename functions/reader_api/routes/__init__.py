"""The routes, a module for each area."""

from . import account, links, newsletter, session, signin

ROUTES = (*signin.ROUTES, *session.ROUTES, *account.ROUTES, *links.ROUTES, *newsletter.ROUTES)
