"""Messages made by hand, for what no well-behaved producer sends."""

import base64
import json
import uuid

NO_EMBED = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


def envelope(task="proj.add", args=(2, 3), kwargs=None, *, id=None, embed=NO_EMBED, body=None, headers=None,
             properties=None, content_type="application/json", content_encoding="utf-8"):
    """A list item as Celery 5.7 writes it; every part can be replaced, and `...` removes a header or property."""
    id = id or str(uuid.uuid4())
    if body is None:
        body = json.dumps([list(args), kwargs or {}, embed]).encode()
    all_headers = {
        "lang": "py", "task": task, "id": id, "shadow": None, "eta": None, "expires": None, "group": None,
        "group_index": None, "retries": 0, "timelimit": [None, None], "root_id": id, "parent_id": None,
        "argsrepr": repr(tuple(args)), "kwargsrepr": "{}", "origin": "gen1@test", "ignore_result": False,
        "replaced_task_nesting": 0, "stamped_headers": None, "stamps": {},
    }
    all_properties = {
        "correlation_id": id, "reply_to": str(uuid.uuid4()), "delivery_mode": 2,
        "delivery_info": {"exchange": "", "routing_key": "celery"}, "priority": 0, "body_encoding": "base64",
        "delivery_tag": str(uuid.uuid4()),
    }
    for target, changes in ((all_headers, headers), (all_properties, properties)):
        target.update(changes or {})
    for target, changes in ((all_headers, headers), (all_properties, properties)):
        for key in [key for key, value in (changes or {}).items() if value is ...]:
            del target[key]
    return {
        "body": base64.b64encode(body).decode(), "content-encoding": content_encoding, "content-type": content_type,
        "headers": all_headers, "properties": all_properties,
    }


def decode(item):
    """A list item as a dictionary, its JSON body decoded into `decoded`."""
    message = json.loads(item)
    body = message["body"]
    if message["properties"].get("body_encoding") == "base64":
        body = base64.b64decode(body)
    message["decoded"] = json.loads(body)
    return message
