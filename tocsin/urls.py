"""Addresses. Every address stands here."""

from __future__ import annotations

from allauth.account import views as account
from django.urls import URLPattern, URLResolver, path

from tocsin.api import issues as api_issues
from tocsin.intake import http as intake
from tocsin.slack import http as slack
from tocsin.web.views import audit, errors, health, home, identities, issue, issues, linking, metrics, teams

urlpatterns: list[URLPattern | URLResolver] = [
    # what SDKs send; some leave the last slash out
    path("api/<int:project_id>/envelope/", intake.envelope, name="envelope"),
    path("api/<int:project_id>/envelope", intake.envelope),
    path("api/<int:project_id>/store/", intake.store, name="store"),
    path("api/<int:project_id>/store", intake.store),
    # what Slack sends; each takes any kind
    path("slack/interactive", slack.endpoint, name="slack-interactive"),
    path("slack/options", slack.endpoint, name="slack-options"),
    path("slack/events", slack.endpoint, name="slack-events"),
    path("slack/commands", slack.endpoint, name="slack-commands"),
    # the JSON API
    path("api/0/organizations/<slug:slug>/issues/", api_issues.issues),
    path("api/0/organizations/<slug:slug>/issues/<int:issue_id>/", api_issues.issue_of_organization),
    path("api/0/organizations/<slug:slug>/issues/<int:issue_id>/comments/", api_issues.comments_of_organization),
    path("api/0/issues/<int:issue_id>/", api_issues.issue),
    path("api/0/issues/<int:issue_id>/comments/", api_issues.comments),
    # pages
    path("", home.home, name="home"),
    path("organizations/<slug:slug>/issues/", issues.issues, name="issues"),
    path("organizations/<slug:slug>/issues/<int:issue_id>/", issue.issue, name="issue"),
    path("organizations/<slug:slug>/issues/<int:issue_id>/events/<slug:event_id>/", issue.issue, name="event"),
    path("organizations/<slug:slug>/audit/", audit.audit, name="audit"),
    path("organizations/<slug:slug>/slack/", identities.of_organization, name="slack-people"),
    path("accounts/slack/", identities.mine, name="slack-identities"),
    path("slack/link/<str:token>/", linking.link, name="slack-link"),
    path("slack/team/<str:token>/", teams.team, name="slack-team"),
    # people: of allauth's pages only those that have a template of ours
    path("accounts/login/", account.login, name="account_login"),
    path("accounts/logout/", account.logout, name="account_logout"),
    path("accounts/inactive/", account.account_inactive, name="account_inactive"),
    path("accounts/password/change/", account.password_change, name="account_change_password"),
    path("accounts/password/set/", account.password_set, name="account_set_password"),
    # health
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
]

handler400 = errors.bad_request
handler403 = errors.permission_denied
handler404 = errors.not_found
handler429 = errors.too_many_requests  # allauth's: sign-in tried too often
handler500 = errors.server_error
