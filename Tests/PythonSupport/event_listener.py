"""Celery's own receiver of events, in a thread."""

import socket
import threading


class EventListener:
    """Keeps every event that Celery's receiver gets, and the state of the cluster that Celery makes of them."""

    def __init__(self, app, wakeup=True):
        self.app = app
        self.events = []
        self.state = app.events.State()
        self._wakeup = wakeup
        self._listening, self._stopped = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._listening.wait(10)

    def _run(self):
        with self.app.connection_for_read() as connection:
            receiver = self.app.events.Receiver(connection, handlers={"*": self._take})
            with receiver.consumer_context(wakeup=self._wakeup) as (used, _, _):
                self._listening.set()
                while not self._stopped.is_set():
                    try:
                        used.drain_events(timeout=0.2)
                    except socket.timeout:
                        pass

    def _take(self, event):
        self.state.event(event)
        self.note(event)
        # Last, for a test that has seen the event looks at the rest.
        self.events.append(dict(event))

    def note(self, event):
        """What a listener remembers besides; the state knows of the event already."""

    def stop(self):
        """Stops listening, before the server goes."""
        self._stopped.set()
        self._thread.join(5)
