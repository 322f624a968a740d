"""What a beat's run state in Redis says, and which task each slot has: computed here anew, to judge the program by."""

import dataclasses

MASK = (1 << 64) - 1


@dataclasses.dataclass
class EntryState:
    """One entry's state, as Docs/RedisKeys.md describes it; times in microseconds."""

    anchor: int
    mark: int
    slot: int | None
    sent_at: int | None
    sent: int
    missed: int
    skipped: int
    task_id: str
    sender: str


def states(client, schedule="beat"):
    """The states of a schedule's entries by name."""
    found = {}
    for name, text in client.hgetall(f"celeriac:beat:{schedule}").items():
        if not name:
            continue  # The epoch.
        words = text.split(" ", 11)
        slot, sent_at = (None if word == "-" else int(word) for word in words[4:6])
        found[name] = EntryState(
            int(words[2]), int(words[3]), slot, sent_at, int(words[6]), int(words[7]), int(words[8]), words[10], words[11]
        )
    return found


def task_id(schedule, entry, slot):
    """The id of the task that the slot at these microseconds sends."""
    data = schedule.encode() + b"\xff" + entry.encode() + b"\xff" + slot.to_bytes(8, "little", signed=True)
    state = 0x6C62272E07BB014262B821756295C58D
    for byte in data:
        state = (state ^ byte) * 0x0000000001000000000000000000013B & (1 << 128) - 1
    high = _mix(state & MASK ^ _mix(state >> 64)) & 0xFFFFFFFFFFFF0FFF | 0x8000
    low = _mix((state >> 64) + 0x9E3779B97F4A7C15 & MASK) & 0x3FFFFFFFFFFFFFFF | 0x8000000000000000
    digits = f"{high:016x}{low:016x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _mix(value):
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & MASK
    value = (value ^ value >> 27) * 0x94D049BB133111EB & MASK
    return value ^ value >> 31
