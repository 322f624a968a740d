"""Waiting for what another process does, always with an end."""

import time


def eventually(check, what, timeout=15.0):
    """Returns the first true value of `check()`; fails naming `what` when none came within `timeout` seconds."""
    end = time.monotonic() + timeout
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {timeout} s (last value: {value!r})")
        time.sleep(0.02)
