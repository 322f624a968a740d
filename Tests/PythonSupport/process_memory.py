"""What a process holds of the machine's memory, as Linux counts it."""

import pathlib


class PeakMemory:
    """How much more memory a process has held at some moment since this was made, than at that moment.

    What it took and gave back counts too.
    """

    def __init__(self, process):
        self._process = process
        # Lets the peak begin anew (proc(5)).
        pathlib.Path(f"/proc/{process.pid}/clear_refs").write_text("5")
        self._before = _bytes(process, "VmRSS")

    @property
    def growth(self):
        """The most it held beyond that, in bytes."""
        return _bytes(self._process, "VmHWM") - self._before


def peak(process):
    """The most memory a process has held since it began, or since its peak was begun anew, in bytes."""
    return _bytes(process, "VmHWM")


def _bytes(process, name):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split(f"{name}:")[1].split()[0]) * 1024
