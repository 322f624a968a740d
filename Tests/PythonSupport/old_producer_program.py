"""Runs under an old Celery; reads one request per line from standard input and answers each with one line."""

import sys

from kombu.utils import json
from producer import make_app


def answer(app, request):
    if request["op"] == "version":
        import celery

        return {"version": celery.__version__}
    if request["op"] == "delay":
        result = app.tasks[request["task"]].delay(*request["args"], **request["kwargs"])
        return {"id": result.id}
    if request["op"] == "apply":
        result = app.tasks[request["task"]].apply_async(request["args"], request["kwargs"], **request["options"])
        return {"id": result.id}
    if request["op"] == "get":
        try:
            return {"value": app.AsyncResult(request["id"]).get(timeout=request["timeout"])}
        except Exception as error:
            return {"error": type(error).__name__, "message": str(error)}
    raise ValueError(request["op"])


def main():
    broker, backend, settings = sys.argv[1:]
    app = make_app(broker, backend, **json.loads(settings))
    for line in sys.stdin:
        print(json.dumps(answer(app, json.loads(line))), flush=True)


main()
