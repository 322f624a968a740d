"""The states of a task that Celery's client hears of while it waits."""


def get_with_states(result, timeout):
    """The value of `result` and, in their order, the states of this very task that came before it."""
    heard = []
    value = result.get(timeout=timeout, on_message=heard.append)
    # on_message gets what comes for any of the client's subscriptions, also for tasks that nobody asks for any more.
    return value, [state for state in heard if state["task_id"] == result.id]
