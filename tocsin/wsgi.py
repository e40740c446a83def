"""The server's entry."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tocsin.settings")
_pages = get_wsgi_application()

from tocsin.intake import door as sdks  # noqa: E402 - Django has to be ready
from tocsin.slack import door as slack  # noqa: E402

application = slack.door(sdks.door(_pages))
