"""Which addresses Tocsin calls for Slack: exact hosts, nothing else, whatever a payload says."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

SLACK_API = "https://slack.com/api/"
RESPONSE_HOSTS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
RESPONSE_PATHS = ("/actions/", "/commands/", "/app/")


def may_respond_to(url: str, api_url: str) -> bool:
    """Whether `url` is a response_url of Slack's. With another Slack (`api_url`), of that origin instead, with any path."""
    if not url.isascii() or any(character <= " " or character in "\\\x7f" for character in url):
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    if api_url != SLACK_API:
        other = urlsplit(api_url)
        return (parts.scheme, parts.netloc) == (other.scheme, other.netloc) and "@" not in parts.netloc
    return (
        parts.scheme == "https"
        and parts.netloc in RESPONSE_HOSTS
        and port is None
        and parts.path.startswith(RESPONSE_PATHS)
        and not {".", ".."} & set(unquote(parts.path).split("/"))
    )
