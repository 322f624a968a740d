"""Workers that are killed, one after the other, and replaced."""

import time

WORKERS = 3
SECONDS_BETWEEN_KILLS = 0.5


class Victims:
    """Three workers, of which a random one is killed and replaced each half second: it lives for about three of them."""

    def __init__(self, deployment, chance, *options):
        self.deployment, self.chance, self.options = deployment, chance, options
        self.names = iter(range(100_000))
        self.workers = [self._start() for _ in range(WORKERS)]
        self.next_kill = time.monotonic()

    def kill_one(self):
        """Kills when it is time, at a random moment: start-up, claim, run, finish, renewal are all hit."""
        self.next_kill += SECONDS_BETWEEN_KILLS
        time.sleep(max(0.0, self.next_kill - time.monotonic() + self.chance.uniform(-0.2, 0.2)))
        victim = self.chance.randrange(WORKERS)
        self.workers[victim].kill()
        self.workers[victim] = self._start()

    def _start(self):
        return self.deployment.spawn(
            "--config", self.deployment.tasks_path, "worker", "-l", "WARNING", "-n", f"victim{next(self.names)}@test",
            *self.options,
        )
