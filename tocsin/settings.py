"""Every setting, read once from the environment. A wrong value stops Tocsin at start with its name and the reason.

Secrets may also come from a file: TOCSIN_SECRET_KEY_FILE names a file whose text is the value of TOCSIN_SECRET_KEY.
"""

from __future__ import annotations

import ipaddress
import os
import re
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from tocsin.logs import LOGGING as LOGGING

BASE_DIR = Path(__file__).resolve().parent
SLACK_COMMAND = re.compile(r"/[a-z0-9_-]{1,31}")
EMAIL_PORTS = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}  # by scheme of TOCSIN_EMAIL_URL


def _value(name: str, default: str = "") -> str:
    """The variable `name`, or the text of the file that `name`_FILE names (both set: an error), else the default."""
    path = os.environ.get(f"{name}_FILE", "")
    if path and name in os.environ:
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set: set one of them.")
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE: cannot read {path}: {error.strerror}.") from error
    return os.environ.get(name, default).strip()


def _list(name: str, default: str = "") -> list[str]:
    """A comma list without its empty entries."""
    return [part.strip() for part in _value(name, default).split(",") if part.strip()]


def _origin(name: str, value: str) -> str:
    """`value` as scheme://host[:port] without a trailing slash; anything else is an error that names the setting."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ImproperlyConfigured(f"{name} must look like https://tocsin.example.com, and it is {value!r}.")
    return f"{parts.scheme}://{parts.netloc}"


def is_loopback(host: str) -> bool:
    """Whether `host` names this machine and nothing else."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _slack_api_url(name: str) -> str:
    """Slack's base address; another one must end in /api/, and be https unless it is on this machine."""
    value = _value(name, "https://slack.com/api/")
    parts = urlsplit(value)
    if not parts.hostname or not parts.path.endswith("/api/"):
        raise ImproperlyConfigured(f"{name} must be an address that ends in /api/, and it is {value!r}.")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise ImproperlyConfigured(
            f"{name} must begin with https:// (http:// only for this machine), and it is {value!r}."
        )
    return value


def _slack_command(name: str) -> str:
    """What people type before the rest: a slash, and a name that Slack takes."""
    value = _value(name, "/tocsin")
    if not SLACK_COMMAND.fullmatch(value):
        raise ImproperlyConfigured(
            f"{name} must be a slash and up to 31 lower-case letters, digits, - or _, and it is {value!r}."
        )
    return value


def _networks(name: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """A comma list of addresses and networks."""
    try:
        return tuple(ipaddress.ip_network(entry, strict=False) for entry in _list(name))
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be addresses or networks, divided by commas: {error}.") from error


def _email_server(name: str, value: str) -> dict[str, Any]:
    """Django's settings of a mail server, from smtp+tls://name:password@host:587; empty for an empty value."""
    if not value:
        return {}
    parts = urlsplit(value)
    if parts.scheme not in EMAIL_PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ImproperlyConfigured(
            f"{name} must look like smtp+tls://name:password@mail.example.com:587 "
            "(smtp+tls: STARTTLS, smtp+ssl: TLS from the start, smtp: neither)."
        )
    try:
        port = parts.port or EMAIL_PORTS[parts.scheme]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} has a port that is none.") from error
    return {**environ.Env.email_url_config(value), "EMAIL_PORT": port}


def _sender(name: str, value: str) -> str:
    """`value`, an address with or without a name before it."""
    address = parseaddr(value)[1]
    user, _, host = address.rpartition("@")
    if not user or not host or any(sign in value for sign in "\r\n"):
        raise ImproperlyConfigured(f"{name} must look like Tocsin <tocsin@example.com>, and it is {value!r}.")
    return value


TOCSIN_URL = _origin("TOCSIN_URL", _value("TOCSIN_URL", "http://127.0.0.1:8000"))
TOCSIN_DATA_DIR = Path(_value("TOCSIN_DATA_DIR", "data")).resolve()
TOCSIN_TRUSTED_PROXIES = _networks("TOCSIN_TRUSTED_PROXIES")

# --- secrets ---------------------------------------------------------------------------------------------------------
_secret_keys = _list("TOCSIN_SECRET_KEY")
if not _secret_keys or any(len(key) < 32 for key in _secret_keys):
    raise ImproperlyConfigured(
        "TOCSIN_SECRET_KEY must hold one or more keys of at least 32 characters, newest first, divided by commas. "
        'Make one with: python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
    )
SECRET_KEY, *SECRET_KEY_FALLBACKS = _secret_keys

TOCSIN_METRICS_TOKEN = _value("TOCSIN_METRICS_TOKEN")

# --- Slack -----------------------------------------------------------------------------------------------------------
TOCSIN_SLACK_API_URL = _slack_api_url("TOCSIN_SLACK_API_URL")
TOCSIN_SLACK_SIGNING_SECRETS = _list("TOCSIN_SLACK_SIGNING_SECRET")
TOCSIN_SLACK_BOT_TOKEN = _value("TOCSIN_SLACK_BOT_TOKEN")
TOCSIN_SLACK_COMMAND = _slack_command("TOCSIN_SLACK_COMMAND")
TOCSIN_SLACK_ORGANIZATION = _value("TOCSIN_SLACK_ORGANIZATION")

# --- Django ----------------------------------------------------------------------------------------------------------
DEBUG = False
ROOT_URLCONF = "tocsin.urls"
WSGI_APPLICATION = "tocsin.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = False
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"
APPEND_SLASH = False

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "tocsin.accounts",
    "tocsin.projects",
    "tocsin.intake",
    "tocsin.issues",
    "tocsin.alerts",
    "tocsin.outbox",
    "tocsin.slack",
    "tocsin.apps.TocsinConfig",
]

MIDDLEWARE = [
    "tocsin.web.middleware.security_headers",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "web" / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": ["tocsin.web.templatetags.tocsin_tags"],
            "string_if_invalid": "",
        },
    }
]

_public = urlsplit(TOCSIN_URL)
_is_local = is_loopback(_public.hostname or "")
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"] if _is_local else [_public.hostname or ""]
CSRF_TRUSTED_ORIGINS = [TOCSIN_URL]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _public.scheme == "https"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "tocsin.web.views.errors.csrf_failure"
SECURE_CONTENT_TYPE_NOSNIFF = True
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

STATIC_URL = "/static/"
STATIC_ROOT = None
STATICFILES_DIRS = [BASE_DIR / "web" / "static"]
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

# --- people ----------------------------------------------------------------------------------------------------------
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_ADAPTER = "tocsin.web.adapter.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/300s/key", "login": "30/m/ip"}

# --- e-mail ----------------------------------------------------------------------------------------------------------
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"  # mail goes through the outbox: notifications.email
EMAIL_TIMEOUT = 8  # seconds; below what one call of the outbox may take
TOCSIN_EMAIL_URL = _value("TOCSIN_EMAIL_URL")
_email = _email_server("TOCSIN_EMAIL_URL", TOCSIN_EMAIL_URL)
EMAIL_HOST, EMAIL_PORT = _email.get("EMAIL_HOST") or "", _email.get("EMAIL_PORT") or 25
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _email.get("EMAIL_HOST_USER") or "", _email.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_USE_TLS, EMAIL_USE_SSL = bool(_email.get("EMAIL_USE_TLS")), bool(_email.get("EMAIL_USE_SSL"))
DEFAULT_FROM_EMAIL = _sender("TOCSIN_EMAIL_FROM", _value("TOCSIN_EMAIL_FROM", f"Tocsin <tocsin@{_public.hostname}>"))

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
SESSION_ENGINE = "django.contrib.sessions.backends.db"


# --- databases -------------------------------------------------------------------------------------------------------
def _database() -> dict[str, Any]:
    url = _value("TOCSIN_DATABASE_URL")
    if not url:
        return {"ENGINE": "tocsin.sqlite", "NAME": str(TOCSIN_DATA_DIR / "tocsin.sqlite3"), "CONN_MAX_AGE": None}
    scheme = urlsplit(url).scheme
    if scheme not in ("postgres", "postgresql", "sqlite"):
        raise ImproperlyConfigured("TOCSIN_DATABASE_URL must begin with postgresql:// or sqlite:///.")
    config: dict[str, Any] = dict(environ.Env.db_url_config(url))
    if scheme == "sqlite":
        return {"ENGINE": "tocsin.sqlite", "NAME": config["NAME"], "CONN_MAX_AGE": None}
    options = dict(config.get("OPTIONS") or {})
    options["pool"] = {"min_size": 1, "max_size": 4, "timeout": 5}
    options["server_side_binding"] = (
        True  # parameters travel beside the statement, so that a repeated one is planned once
    )
    options["prepare_threshold"] = 3
    return {**config, "ENGINE": "django.db.backends.postgresql", "CONN_MAX_AGE": 0, "OPTIONS": options}


DATABASES = {"default": _database()}
