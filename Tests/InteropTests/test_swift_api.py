"""The packages in Examples: an own worker called from Python, and a Swift producer that calls a Python worker."""

import json
import os
import subprocess

import pytest
from celery import chain, chord, group
from celery.result import result_from_tuple

from deployment import EXECUTABLE, ROOT, Deployment, clean_environment
from logged_process import LoggedProcess

EXAMPLES = ("OwnWorker", "SwiftProducer")


def start_own_worker(deployment, *flags, options=(), name="own"):
    """Starts the example's worker, which has no tasks.yaml unless `options` name one, and returns when it is ready."""
    environment = clean_environment(CELERY_BROKER_URL=deployment.redis.url())
    worker = LoggedProcess(
        [
            EXECUTABLE.parent / "OwnWorker", *options, "worker", "-l", "INFO", "-n", f"{name}@test", "-c", "2", *flags,
        ],
        deployment.directory, environment, name,
    )
    deployment.processes.append(worker)
    worker.wait_for_line(r" ready\.$")
    return worker


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A Redis with the example's worker, and an application that calls it."""
    with Deployment(tmp_path_factory.mktemp("shop")) as deployment:
        start_own_worker(deployment)
        yield deployment.app()


def call(app, name, *args, **kwargs):
    return app.send_task(name, args, kwargs).get(timeout=60)


def failure(app, name, *args, **kwargs):
    with pytest.raises(Exception) as caught:
        call(app, name, *args, **kwargs)
    return caught.value


# An own worker


def test_arguments_are_bound_by_place_by_name_and_by_default(shop):
    assert call(shop, "shop.price", "pen") == 120
    assert call(shop, "shop.price", "pen", 3) == 360
    assert call(shop, "shop.price", quantity=2, item="book") == 2900


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((), {}, "price() missing 1 required positional argument: 'item'"),
        (("pen", 1, 2), {}, "price() takes from 1 to 2 positional arguments but 3 were given"),
        (("pen",), {"colour": "red"}, "price() got an unexpected keyword argument 'colour'"),
        ((3,), {}, "price() argument 'item' must be str, not int"),
        (("pen",), {"quantity": "3"}, "price() argument 'quantity' must be int, not str"),
    ],
)
def test_wrong_arguments_are_a_type_error_that_names_them(shop, args, kwargs, message):
    error = failure(shop, "shop.price", *args, **kwargs)
    assert type(error) is TypeError
    assert str(error) == message


def test_a_struct_of_arguments_is_read_and_refused_member_by_member(shop):
    lines = [{"item": "pen", "quantity": 2}, {"item": "book", "quantity": 1}]
    assert call(shop, "shop.invoice", "Ada", lines=lines) == {"customer": "Ada", "cents": 1690}
    lines[1]["quantity"] = "1"
    error = failure(shop, "shop.invoice", "Ada", lines=lines)
    assert str(error) == "invoice() argument 'lines[1].quantity' must be int, not str"


def test_an_error_of_ones_own_has_its_python_class_and_arguments(shop):
    result = shop.send_task("shop.price", ["yacht"])
    with pytest.raises(Exception) as caught:
        result.get(timeout=60)
    assert type(caught.value).__name__ == "UnknownItem"
    assert caught.value.args == ("yacht", "is not for sale")
    assert json.loads(shop.backend.get(f"celery-task-meta-{result.id}"))["result"]["exc_module"] == "shop.errors"


def test_retries_asked_for_and_automatic_ones_end_well(shop):
    assert call(shop, "shop.reserve", "pen") == {"item": "pen", "retries": "2"}
    assert call(shop, "shop.import", "pen") == 1


def test_progress_is_seen_by_clients(shop):
    # Long enough to be seen on its way: reports that follow each other closely are merged.
    lines = [{"item": "pen", "quantity": 1}] * 30_000
    result = shop.send_task("shop.invoice", ["Ada", lines])
    seen = []
    result.get(timeout=20, on_message=seen.append)
    progress = [message["result"] for message in seen if message["status"] == "PROGRESS"]
    assert progress and progress[-1]["total"] == 30_000 and progress[-1]["status"] == "pen"
    assert seen[-1]["status"] == "SUCCESS"


def test_a_replaced_task_has_the_result_of_its_canvas(shop):
    assert call(shop, "shop.quote", ["pen", "book", "lamp"]) == 5470


def test_the_ids_of_a_canvas_sent_by_a_task_are_known_when_it_returns(shop):
    last = result_from_tuple(call(shop, "shop.order", ["pen", "book"]), app=shop)
    assert last.get(timeout=60) == "order: 15.70"
    assert last.parent.get(timeout=60) == 1570
    assert last.parent.parent.join(timeout=20) == [120, 1450]


def test_a_soft_time_limit_in_code_cancels_the_task(shop):
    result = shop.send_task("shop.slow", [30], queue="slow")
    assert result.get(timeout=60) == "stopped: softTimeLimit"


def test_a_task_sees_its_request(shop):
    result = shop.send_task(
        "shop.whoami", [1], {"a": None}, headers={"x-tenant": "t"}, app_id="1234", priority=4, root_id="root"
    )
    seen = result.get(timeout=60)
    assert seen["args"] == [1] and seen["kwargs"] == {"a": None}
    assert seen["id"] == result.id and seen["root_id"] == "root"
    assert seen["headers"] == {"x-tenant": "t"}
    assert seen["properties"]["app_id"] == "1234"
    assert seen["properties"]["priority"] == 4
    assert seen["properties"]["reply_to"]
    assert seen["properties"]["delivery_info"]["routing_key"] == "celery"


def test_an_errback_may_be_told_what_failed(shop):
    errback = shop.signature("shop.failed")
    errback.freeze()
    shop.send_task("shop.price", ["yacht"], link_error=errback)
    told = shop.AsyncResult(errback.id).get(timeout=60)
    assert told == {"task": "shop.price", "type": "UnknownItem", "traced": True}


def test_tasks_in_swift_and_in_python_share_canvases(deployment):
    start_own_worker(deployment)
    # Of its own queue, so that each kind runs what it knows.
    deployment.start_celery_worker("--without-gossip", "--without-mingle", "-Q", "python")
    app = deployment.app()
    price, total = app.signature("shop.price"), app.signature("shop.total")
    add = app.signature("proj.add", queue="python")
    result = chain(price.clone(("pen",)), add.clone((1,)), add.clone((2,)))()
    assert result.get(timeout=60) == 123
    result = chord(group(price.clone(("pen",)), add.clone((1, 2)), price.clone(("book",))), total)()
    assert result.get(timeout=60) == 120 + 3 + 1450


def test_a_block_of_tasks_yaml_beats_the_options_in_code(deployment):
    path = deployment.directory / "own.yaml"
    path.write_text("tasks:\n  shop.slow: {soft_time_limit: 10}\n  shop.reserve: {max_retries: 1}\n", encoding="utf-8")
    start_own_worker(deployment, options=("--config", path))
    app = deployment.app()
    assert app.send_task("shop.slow", [1.2], queue="slow").get(timeout=60) == "slept"
    error = failure(app, "shop.reserve", "pen")
    assert type(error).__name__ == "StockBusy"


def test_a_block_for_an_unknown_task_still_needs_a_handler(deployment):
    path = deployment.directory / "own.yaml"
    path.write_text("tasks:\n  shop.unheard: {max_retries: 1}\n", encoding="utf-8")
    done = run("OwnWorker", "--config", path, "report", "--check", directory=deployment.directory)
    assert done.returncode == 2
    assert "tasks[shop.unheard]: the key 'handler' is missing" in done.stdout + done.stderr


def test_options_for_a_task_in_code_are_refused(deployment):
    path = deployment.directory / "own.yaml"
    path.write_text("tasks:\n  shop.price: {options: {currency: TRY}}\n", encoding="utf-8")
    done = run("OwnWorker", "--config", path, "report", "--check", directory=deployment.directory)
    assert done.returncode == 2
    assert "own.yaml:2:" in done.stderr and "the task is defined in code and takes no options" in done.stderr


def run(program, *arguments, directory, **environment):
    return subprocess.run(
        [str(part) for part in (EXECUTABLE.parent / program, *arguments)], cwd=directory, timeout=60,
        env=clean_environment(**environment), stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )


def test_an_own_worker_has_the_whole_command_line(deployment):
    done = run("OwnWorker", "run", "shop.price", "--args", '["pen", 2]', directory=deployment.directory)
    assert (done.returncode, done.stdout) == (0, "240\n")
    start_own_worker(deployment)
    url = {"CELERY_BROKER_URL": deployment.redis.url()}
    done = run("OwnWorker", "inspect", "registered", directory=deployment.directory, **url)
    assert "shop.price" in done.stdout
    done = run("OwnWorker", "call", "shop.price", "--args", '["pen"]', directory=deployment.directory, **url)
    done = run("OwnWorker", "result", done.stdout.strip(), directory=deployment.directory, **url)
    assert done.stdout == "120\n"


# A producer


def test_a_swift_producer_calls_a_python_worker(deployment):
    deployment.start_celery_worker("--without-gossip", "--without-mingle")
    done = run("SwiftProducer", directory=deployment.directory, CELERY_BROKER_URL=deployment.redis.url())
    assert done.returncode == 0, done.stderr
    readme = (ROOT / "Examples" / "SwiftProducer" / "README.md").read_text(encoding="utf-8")
    assert f"```\n{done.stdout}```" in readme
    deployment.expect_empty()


def test_a_swift_producer_calls_a_celeriac_worker(deployment):
    deployment.start_worker()
    done = run("SwiftProducer", directory=deployment.directory, CELERY_BROKER_URL=deployment.redis.url())
    assert done.returncode == 0, done.stderr
    assert "chord: [[11, 12, 13, 14]]" in done.stdout


def test_a_swift_producer_says_that_there_is_no_redis(tmp_path):
    done = run("SwiftProducer", directory=tmp_path, CELERY_BROKER_URL="redis://127.0.0.1:1/0")
    assert done.returncode != 0
    assert "127.0.0.1:1" in done.stderr


# The packages


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_a_package_of_its_own(name, tmp_path):
    # Its sources are built by the main package; here only its manifest is read.
    environment = {**os.environ, "CELERIAC_ONLY": "Celeriac"}
    done = subprocess.run(
        ["swift", "package", "--package-path", str(ROOT / "Examples" / name), "--scratch-path", str(tmp_path), "dump-package"],
        env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100,
    )
    assert done.returncode == 0, done.stderr
    package = json.loads(done.stdout)
    [target] = package["targets"]
    assert (target["name"], target["type"]) == (name, "executable")
    assert target["dependencies"] == [{"product": ["Celeriac", "celeriac", None, None]}]
    [dependency] = package["dependencies"]
    assert os.path.realpath(dependency["fileSystem"][0]["path"]) == os.path.realpath(ROOT)
