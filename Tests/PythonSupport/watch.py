"""An eye on a gateway while it is asked what nobody honest would ask."""

from process_memory import peak

_FAILURES = ("ERROR", "CRITICAL", "Fatal")


class Watch:
    """Looks whether a gateway is unharmed: it answers, has logged no failure of its own, and held little memory.

    Each line of its log is looked at once, from its start to its end, whichever test it belongs to.
    """

    def __init__(self, gateway, most_memory):
        self._gateway = gateway
        self._most_memory = most_memory
        self._looked_at = 0

    def look(self):
        """Fails when something has come to harm since the last look."""
        assert self._gateway.request("/livez").status == 200
        self._read_log()
        held = peak(self._gateway.process)
        assert held < self._most_memory, f"it held {held >> 20} MiB"

    def end(self):
        """Ends the gateway and has a last look, at what it said until then."""
        self.look()
        assert self._gateway.process.terminate() == 0
        self._read_log()

    def _read_log(self):
        lines = self._gateway.process.lines[self._looked_at:]
        self._looked_at += len(lines)
        failed = [line for line in lines if any(failure in line for failure in _FAILURES)]
        assert failed == [], "\n".join(failed)
