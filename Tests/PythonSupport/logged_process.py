"""A child process whose output is read as it comes."""

import os
import pathlib
import re
import signal
import subprocess
import threading
import time

from waiting import PATIENCE


class LoggedProcess:
    """Runs a command, keeps every line it prints, and lets a test wait for one."""

    def __init__(self, command, directory, environment=None, name=None):
        self.command = [str(part) for part in command]
        self.name = name or os.path.basename(self.command[0])
        self.lines = []
        self._changed = threading.Condition()
        self._ended = False
        self._process = subprocess.Popen(
            self.command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            with self._changed:
                self.lines.append(line.decode("utf-8", "replace").rstrip("\r\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    @property
    def pid(self):
        """The process's id."""
        return self._process.pid

    @property
    def running(self):
        """Whether the process has not ended."""
        return self._process.poll() is None

    @property
    def text(self):
        """Everything printed up to now."""
        with self._changed:
            return "\n".join(self.lines)

    def wait_for_line(self, pattern, timeout=PATIENCE, count=1):
        """Returns the line in which `pattern` is found for the `count`-th time."""
        expression = re.compile(pattern)
        end = time.monotonic() + timeout
        with self._changed:
            while True:
                found = [line for line in self.lines if expression.search(line)]
                if len(found) >= count:
                    return found[count - 1]
                left = end - time.monotonic()
                if left <= 0 or self._ended:
                    why = "the process ended first" if self._ended else f"not within {timeout} s"
                    break
                self._changed.wait(left)
        raise AssertionError(f"no line like {pattern!r} from {self.name}: {why}\n{self.text}")

    def count_lines(self, pattern):
        """How many lines printed up to now match `pattern`."""
        expression = re.compile(pattern)
        with self._changed:
            return sum(1 for line in self.lines if expression.search(line))

    def signal(self, number):
        """Sends the process a signal."""
        self._process.send_signal(number)

    def kill(self):
        """Ends the process by SIGKILL and waits until it is gone."""
        if self.running:
            # A stopped process is killed just the same.
            self._process.kill()
        self._process.wait(10)

    def exit_code(self, timeout=PATIENCE):
        """Waits for the process to end by itself and returns its exit code, negative for a signal."""
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} still runs after {timeout} s\n{self.text}") from None
        self._reader.join(5)
        return code

    def terminate(self, timeout=PATIENCE):
        """Sends SIGTERM and returns the exit code."""
        self.signal(signal.SIGTERM)
        return self.exit_code(timeout)

    def children(self):
        """The ids of the processes this one started and that still run."""
        found = []
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                text = stat.read_text()
            except OSError:
                continue  # It ended meanwhile.
            state, parent = text.rpartition(")")[2].split()[:2]
            if int(parent) == self.pid and state != "Z":
                found.append(int(stat.parent.name))
        return found


def is_running(pid):
    """Whether the process `pid` exists and is no zombie."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
