"""Canvases for tests: short names for the tasks, and random ones from a seed."""

from celery import chain, chord, group


class Canvases:
    """Signatures of the debug tasks of an application."""

    def __init__(self, app):
        self.app = app

    def add(self, *numbers, **options):
        return self.app.signature("proj.add", args=numbers, **options)

    def echo(self, *values, **options):
        return self.app.signature("proj.echo", args=values, **options)

    def fail(self, message="boom"):
        return self.app.signature("proj.fail", args=(message,), immutable=True)

    def told(self):
        """An errback of one argument, which Celery sends as a task."""
        return self.app.signature("proj.told")

    def retry(self, times=1):
        return self.app.signature("proj.retry", args=(times,), immutable=True)

    def replace(self, signature):
        return self.app.signature("proj.replace", args=(signature,))

    def add_to_chord(self, signature):
        return self.app.signature("proj.add_to_chord", args=(signature,))

    def group(self, *tasks):
        return group(list(tasks), app=self.app)

    def chain(self, *tasks):
        return chain(*tasks, app=self.app) if len(tasks) == 1 else chain(*tasks)

    def chord(self, header, body):
        return chord(list(header), body, app=self.app)


def echoed(*values):
    """What the echo task returns."""
    return {"args": list(values), "kwargs": {}}


class RandomCanvases:
    """Canvases of any nesting, the same ones for the same seed; some tasks retry, are replaced, or fail."""

    def __init__(self, app, chance, *, failures=0.0):
        self.make = Canvases(app)
        self.chance = chance
        self.failures = failures

    def whole(self):
        """A canvas as it is sent: some are stamped."""
        canvas = self.canvas()
        if self.chance.random() < 0.2:
            canvas.stamp(tenant=self.chance.choice(["acme", "initech"]))
        return canvas

    def canvas(self, depth=3):
        """A canvas whose result is one task's: a chain, a chord or a task, as deep as `depth`."""
        kind = self.chance.choice(["task", "chain", "chord", "chord"]) if depth else "task"
        if kind == "chain":
            return self.make.chain(*(self.step(depth - 1) for _ in range(self.chance.randint(2, 4))), self.task())
        if kind == "chord":
            return self.make.chord([self.canvas(depth - 1) for _ in range(self.chance.randint(1, 4))], self.body(depth))
        return self.task(depth)

    def step(self, depth):
        """A step of a chain: a task, a group, a chord or a chain."""
        kind = self.chance.choice(["task", "task", "group", "chord"])
        if kind == "group" and depth:
            return self.make.group(*(self.task() for _ in range(self.chance.randint(2, 3))))
        if kind == "chord" and depth:
            return self.make.chord([self.canvas(depth - 1) for _ in range(self.chance.randint(1, 3))], self.task())
        return self.task(depth)

    def body(self, depth):
        if depth > 1 and self.chance.random() < 0.3:
            return self.make.chain(self.task(), self.task())
        return self.task()

    def replacement(self, depth):
        """What a task gives its place to."""
        kind = self.chance.choice(["task", "chain", "group", "chord"]) if depth > 0 else "task"
        if kind == "chain":
            return self.make.chain(self.task(), self.task())
        if kind == "group":
            return self.make.group(self.task(), self.task())
        if kind == "chord":
            return self.make.chord([self.task(), self.task()], self.task())
        return self.task()

    def task(self, depth=0):
        if self.chance.random() < self.failures:
            fail = self.make.fail(f"f{self.chance.randrange(1000)}")
            return fail.on_error(self.make.told()) if self.chance.random() < 0.5 else fail
        if self.chance.random() < 0.08:
            return self.make.retry(self.chance.randint(1, 2))
        if depth > 0 and self.chance.random() < 0.15:
            return self.make.replace(self.replacement(depth - 1))
        task = self.make.echo(self.chance.randrange(100))
        if self.chance.random() < 0.1:
            task = task.set(immutable=True)
        if self.chance.random() < 0.1:
            task.link(self.make.echo("linked"))
        if self.chance.random() < 0.1:
            task = task.set(priority=self.chance.choice([0, 3, 6, 9]))
        return task
