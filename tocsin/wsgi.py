"""The server's entry."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tocsin.settings")
_pages = get_wsgi_application()

from tocsin.intake.door import door  # noqa: E402 - Django has to be ready

application = door(_pages)
