"""Waiting for what another process does, always with an end."""

import time

# Seconds after which a test gives up on what normally comes at once. They cost nothing where it comes, and on a shared
# machine everything may stand still for a while. What is to happen within a certain time is said by the test itself.
PATIENCE = 60.0


def eventually(check, what, timeout=PATIENCE):
    """Returns the first true value of `check()`; fails naming `what` when none came within `timeout` seconds."""
    end = time.monotonic() + timeout
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {timeout} s (last value: {value!r})")
        time.sleep(0.02)
