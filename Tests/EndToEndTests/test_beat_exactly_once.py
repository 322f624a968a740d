"""Three beats of one schedule, ended, stopped and continued at random, and Redis started anew in the middle: every slot is
sent exactly once. CELERIAC_BEAT_CAMPAIGN_SECONDS makes it longer."""

import json
import os
import random
import signal
import time

import pytest

from beat_state import states, task_id
from deployment import Deployment
from waiting import eventually

SECONDS = float(os.environ.get("CELERIAC_BEAT_CAMPAIGN_SECONDS", 25))
BEATS = 3
INTERVALS = [0.5, 0.7, 1, 1.3, 2, 3]


@pytest.mark.timeout(int(SECONDS) + 120)
def test_each_slot_is_sent_exactly_once_whatever_happens_to_the_beats(tmp_path):
    seed = int(os.environ.get("CELERIAC_CAMPAIGN_SEED", time.time()))
    print(f"seed {seed}")
    chance = random.Random(seed)
    with Deployment(tmp_path, append_only=True) as deployment:
        entries = {
            f"every {seconds} s, {number}": {"task": "other.task", "schedule": seconds, "kwargs": {"number": number}}
            for number in range(5) for seconds in INTERVALS
        }
        deployment.write_beat({"beat_schedule": entries})
        names = iter(range(100_000))

        def start():
            return deployment.spawn_beat("-l", "WARNING", "-q", name=f"beat{next(names)}")

        beats = [start() for _ in range(BEATS)]
        eventually(lambda: len(states(deployment.client)) == len(entries), "the entries are registered")
        end = time.monotonic() + SECONDS
        restart_at = time.monotonic() + SECONDS / 2
        stopped = []
        kills = stops = 0
        while time.monotonic() < end:
            time.sleep(chance.uniform(0.3, 2.0))
            for beat in stopped:
                beat.signal(signal.SIGCONT)
            stopped = []
            victim = chance.randrange(BEATS)
            if chance.random() < 0.6:
                beats[victim].kill()
                beats[victim] = start()
                kills += 1
            else:
                beats[victim].signal(signal.SIGSTOP)
                stopped.append(beats[victim])
                stops += 1
            if restart_at and time.monotonic() > restart_at:
                deployment.redis.stop()
                time.sleep(1)
                deployment.redis.start()
                restart_at = None
        for beat in stopped:
            beat.signal(signal.SIGCONT)
        time.sleep(3)
        assert [beat.terminate() for beat in beats] == [0] * BEATS
        messages = [json.loads(item) for item in deployment.client.lrange("celery", 0, -1)]
        found = states(deployment.client)
        print(f"{kills} kills, {stops} stops, {len(messages)} messages of {len(entries)} entries")

    sent = [message["headers"]["id"] for message in messages]
    assert len(set(sent)) == len(sent), "a slot was sent twice"
    expected = set()
    for name, block in entries.items():
        state, step = found[name], round(block["schedule"] * 1_000_000)
        assert (state.missed, state.skipped) == (0, 0), name
        assert (state.mark - state.anchor) % step == 0, name
        slots = range(state.anchor + step, state.mark + 1, step)
        # The schedule went on to the end.
        assert len(slots) >= (SECONDS - 2) / block["schedule"], name
        expected |= {task_id("beat", name, slot) for slot in slots}
    assert set(sent) == expected
