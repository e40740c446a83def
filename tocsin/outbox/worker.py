"""Claim, send, mark. Several sends are under way at once, so that a slow outside delays nobody but itself."""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

from django.db import InterfaceError, OperationalError, connection

from tocsin.logs import get_logger
from tocsin.outbox import outcomes, wakeup
from tocsin.outbox.claims import claim as claim
from tocsin.outbox.failures import DeliveryError, FencedOut
from tocsin.outbox.lease import Lease as Lease
from tocsin.outbox.lease import release_connection

log = get_logger(__name__)

Sender = Callable[..., None]
Senders = Mapping[str, Sender]
# What some senders need to know, read for many leases at once: it is in `lease.facts` then. A sender whose reader has failed,
# or that has none, reads for itself.
Reader = Callable[[Sequence[Lease]], None]
Readers = Mapping[str, Reader]

THREADS = 64  # sends under way
GATHERS = 0.03  # seconds between two claims while sends are under way: one claim for many costs what one for one costs
IDLE_SECONDS = 2.0  # after which a thread that sends gives its database connection back
HEARTBEAT_SECONDS = 10.0
STOP_SECONDS = 8.0  # what sends under way are given when the worker is to end; a lease takes care of the rest
DATABASE_BACKOFF = (0.25, 0.5, 1.0, 2.0, 5.0)


def run_once(senders: Senders) -> int:
    """Send, one after the other in this thread, all that may be sent now. Returns how many sends there were."""
    sent = 0
    while leases := claim(senders.keys(), limit=1):
        for lease in leases:
            deliver(lease, senders)
            sent += 1
    return sent


def run(senders: Senders, stop: threading.Event, readers: Readers | None = None) -> None:
    """Deliver until `stop` is set. Survives a database that goes away."""
    with wakeup.waiting(wakeup.DELIVER) as wait:
        crew = Crew(senders, wait.stir)
        try:
            _keep_claiming(senders, readers or {}, crew, wait, stop)
        finally:
            crew.stop()
            connection.close()


def _keep_claiming(senders: Senders, readers: Readers, crew: Crew, wait: wakeup.Wait, stop: threading.Event) -> None:
    failures = 0
    while not stop.is_set():
        began = time.monotonic()
        try:
            leases = claim(senders.keys(), limit=crew.free, in_flight=crew.in_flight()) if crew.free else []
        except (OperationalError, InterfaceError) as error:
            log.warning("outbox: the database failed; trying again", error=str(error))
            connection.close()
            stop.wait(DATABASE_BACKOFF[min(failures, len(DATABASE_BACKOFF) - 1)])
            failures += 1
            continue
        failures = 0
        read(leases, readers)
        for lease in leases:
            crew.take(lease)
        if not leases:
            release_connection()
            wait(stop)
        crew.wait_for_room(began + GATHERS)


def read(leases: Sequence[Lease], readers: Readers) -> None:
    """Let the readers read. A fault is not theirs to tell: the sender that it is about will meet it, and its neighbours not."""
    by_reader: dict[Reader, list[Lease]] = defaultdict(list)
    for lease in leases:
        if lease.delivery.kind in readers:
            by_reader[readers[lease.delivery.kind]].append(lease)
    for reader, some in by_reader.items():
        try:
            reader(some)
        except Exception as error:  # noqa: BLE001 - see above
            log.warning("outbox: a reader failed", deliveries=[lease.id for lease in some], error=str(error))
            release_connection()


def deliver(lease: Lease, senders: Senders) -> None:
    """One try, with its outcome recorded. Raises nothing but what the database raises."""
    try:
        _try(lease, senders)
    except FencedOut as error:
        log.info("outbox: fenced out", delivery=lease.id, error=str(error))


def _try(lease: Lease, senders: Senders) -> None:
    try:
        senders[lease.delivery.kind](lease, **lease.delivery.about)
    except DeliveryError as error:
        outcomes.fail(lease, error)
    except (FencedOut, OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.exception("outbox: a sender failed", delivery=lease.id, kind=lease.delivery.kind)
        outcomes.fail(lease, _unforeseen(lease, error))
    else:
        outcomes.succeed(lease)


def _unforeseen(lease: Lease, error: Exception) -> DeliveryError:
    return DeliveryError(
        "unforeseen",
        f"Tocsin failed while sending: {type(error).__name__}.",
        repair=f"This is a fault in Tocsin; its log has the details under delivery {lease.id}.",
        is_ambiguous=lease.has_called,
    )


class Crew:
    """Threads that send. They are daemons: a send that hangs at the end of the process is left to its lease."""

    def __init__(self, senders: Senders, on_done: Callable[[], None], *, heartbeat: float = HEARTBEAT_SECONDS) -> None:
        self._senders = senders
        self._on_done = on_done
        self._heartbeat = heartbeat  # seconds
        self._orders: queue.SimpleQueue[Lease | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._is_empty = threading.Condition(self._lock)
        self._leases: dict[int, Lease] = {}
        self._threads: list[threading.Thread] = []
        self._ending = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._heart.start()

    @property
    def free(self) -> int:
        """How many more may be taken."""
        return THREADS - len(self._leases)

    def in_flight(self) -> Counter[str]:
        """Sends under way, by pool."""
        with self._lock:
            return Counter(lease.delivery.pool for lease in self._leases.values())

    def wait_for_room(self, until: float) -> None:
        """Return when nothing is under way, or at this time of the monotonic clock."""
        with self._is_empty:
            self._is_empty.wait_for(lambda: not self._leases, max(0.0, until - time.monotonic()))

    def take(self, lease: Lease) -> None:
        """Send it, in a thread that is free or a new one."""
        with self._lock:
            self._leases[lease.id] = lease
            needs_another = len(self._leases) > len(self._threads)
        if needs_another:
            thread = threading.Thread(target=self._work, name=f"send-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._orders.put(lease)

    def stop(self) -> None:
        """Wait for what is under way, but not for ever."""
        for _ in self._threads:
            self._orders.put(None)
        deadline = time.monotonic() + STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._ending.set()
        self._heart.join(STOP_SECONDS)

    def _work(self) -> None:
        try:
            while (lease := self._next()) is not None:
                self._send(lease)
        finally:
            connection.close()

    def _next(self) -> Lease | None:
        try:
            return self._orders.get(timeout=IDLE_SECONDS)
        except queue.Empty:
            connection.close()
        return self._orders.get()

    def _send(self, lease: Lease) -> None:
        try:
            deliver(lease, self._senders)
        except Exception as error:  # noqa: BLE001 - the thread lives on; the row's lease ends, and it is sent again
            log.warning("outbox: an outcome could not be recorded", delivery=lease.id, error=str(error))
            connection.close()
        finally:
            release_connection()
            with self._is_empty:
                del self._leases[lease.id]
                if not self._leases:
                    self._is_empty.notify_all()
            self._on_done()

    def _beat(self) -> None:
        """Renew what is under way. A lease that is lost shows when its sender wants to write."""
        try:
            while not self._ending.wait(self._heartbeat):
                with self._lock:
                    leases = list(self._leases.values())
                for lease in leases:
                    self._renew(lease)
                release_connection()
        finally:
            connection.close()

    @staticmethod
    def _renew(lease: Lease) -> None:
        try:
            if not lease.is_finished:
                lease.renew()
        except FencedOut as error:
            log.info("outbox: fenced out", delivery=lease.id, error=str(error))
        except (OperationalError, InterfaceError) as error:
            log.warning("outbox: a lease could not be renewed", delivery=lease.id, error=str(error))
            connection.close()
