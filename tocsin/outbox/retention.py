"""What was sent is kept for a while, for people who ask, and then forgotten."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from tocsin.outbox.models import Delivery

DONE_FOR = timedelta(days=7)
ABANDONED_FOR = timedelta(days=30)
AT_ONCE = 1000


def purge(now: datetime) -> int:
    """Forget deliveries that were done or abandoned long ago. Looks at the thousand oldest, so that it costs the same however many
    there are; returns how many went, so call it again while any did.
    """
    oldest = list(Delivery.objects.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    over = Q(done_at__lt=now - DONE_FOR) | Q(abandoned_at__lt=now - ABANDONED_FOR)
    gone, _ = Delivery.objects.filter(over, pk__in=oldest).delete()
    return gone
