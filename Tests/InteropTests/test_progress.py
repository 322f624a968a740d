"""Progress is visible to Celery's client while the task runs."""

import json
import threading

from states import get_with_states
from waiting import eventually


def test_progress_is_readable_while_the_task_runs(app):
    result = app.tasks["proj.progress"].delay(5, 0.3)
    eventually(lambda: result.state == "PROGRESS", "PROGRESS is stored")
    info = result.info
    assert set(info) >= {"current", "total", "status"}
    assert info["total"] == 5 and 0 <= info["current"] <= 5
    result.get(timeout=60)
    assert result.state == "SUCCESS"


def test_every_step_is_published_in_order(shared, app):
    seen = []
    listener = shared.client.pubsub(ignore_subscribe_messages=True)
    listener.subscribe("celery-task-meta-steps")
    listener.get_message(timeout=1)

    def listen():
        for message in listener.listen():
            seen.append(json.loads(message["data"]))
            if seen[-1]["status"] == "SUCCESS":
                return

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    app.tasks["proj.progress"].apply_async((4, 0.2), task_id="steps").get(timeout=60)
    thread.join(5)
    listener.close()
    steps = [state["result"]["current"] for state in seen if state["status"] == "PROGRESS"]
    assert steps == sorted(steps) and len(steps) >= 4
    assert seen[-1]["status"] == "SUCCESS"


def test_on_message_of_the_client_gets_the_progress(app):
    _, states = get_with_states(app.tasks["proj.progress"].delay(3, 0.2), timeout=60)
    names = [state["status"] for state in states]
    assert "PROGRESS" in names and names[-1] == "SUCCESS"
