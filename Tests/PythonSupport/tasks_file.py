"""Writes a tasks.yaml that binds Celeriac's trying-out handlers to the names the tests call."""

import yaml

#: The handlers for trying things out, by the names under which the tests call them.
DEBUG_TASKS = {
    "proj.noop": {"handler": "debug.noop"},
    "proj.echo": {"handler": "debug.echo"},
    "proj.add": {"handler": "debug.add"},
    "proj.sleep": {"handler": "debug.sleep"},
    "proj.spin": {"handler": "debug.spin"},
    "proj.progress": {"handler": "debug.progress"},
    "proj.fail": {"handler": "debug.fail"},
    "proj.retry": {"handler": "debug.retry"},
    "proj.crash": {"handler": "debug.crash"},
    "proj.errback": {"handler": "debug.errback"},
    "proj.told": {"handler": "debug.echo"},
    "proj.replace": {"handler": "debug.replace"},
    "proj.add_to_chord": {"handler": "debug.add_to_chord"},
    "proj.spawn": {"handler": "debug.spawn"},
}


def tasks_file(redis_server, *, pools=None, queues=None, tasks=None, backend_database=0, **settings):
    """The content of a tasks.yaml; `tasks` are merged over the debug tasks, `settings` stand at the top level."""
    bound = {name: dict(block) for name, block in DEBUG_TASKS.items()}
    for name, block in (tasks or {}).items():
        bound.setdefault(name, {}).update(block)
    content = {
        "broker_url": redis_server.url(),
        "result_backend": redis_server.url(backend_database),
        "pools": pools or {"cpu": {"processes": 2, "slots": 1}},
        "queues": queues or {"celery": {"pool": "cpu"}},
        "tasks": bound,
        **settings,
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
