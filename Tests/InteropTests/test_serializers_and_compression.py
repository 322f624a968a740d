"""Every serializer and compression that a Celery producer may choose."""

import time

import pytest

from waiting import eventually

TASKS_FILE = {"accept_content": ["json", "yaml", "msgpack"]}
VALUE = {"text": "ğüşıöç İĞÜŞÖÇ", "numbers": [1, 2.5, -3], "nothing": None, "yes": True}


@pytest.mark.parametrize("serializer", ["json", "yaml", "msgpack"])
def test_a_message_in_any_enabled_serializer_is_understood(app, serializer):
    result = app.tasks["proj.echo"].apply_async((VALUE, 7), {"key": "değer"}, serializer=serializer)
    assert result.get(timeout=60) == {"args": [VALUE, 7], "kwargs": {"key": "değer"}}


@pytest.mark.parametrize("compression", ["gzip", "zlib", "bzip2", "lzma", "zstd", "brotli"])
@pytest.mark.parametrize("serializer", ["json", "msgpack"])
def test_a_compressed_message_is_understood(app, compression, serializer):
    text = "sıkıştır " * 5_000
    result = app.tasks["proj.echo"].apply_async((text,), compression=compression, serializer=serializer)
    assert result.get(timeout=60)["args"] == [text]


def test_pickle_is_refused_and_its_message_is_kept(shared, app):
    before = len(shared.dead_letters())
    result = app.tasks["proj.add"].apply_async((1, 2), serializer="pickle")
    eventually(lambda: len(shared.dead_letters()) == before + 1, "the message is kept")
    assert "application/x-python-serialize" in shared.dead_letters()[0]["reason"]
    with pytest.raises(Exception, match="(?i)refus|disallowed|pickle|content"):
        result.get(timeout=60)


def test_yaml_is_refused_where_only_json_is_accepted(deployment):
    deployment.start_worker()
    app = deployment.app()
    refused = app.tasks["proj.add"].apply_async((1, 2), serializer="yaml")
    eventually(deployment.dead_letters, "the message is kept")
    assert any("application/x-yaml" in letter["reason"] for letter in deployment.dead_letters())
    # The worker goes on.
    assert app.tasks["proj.add"].delay(2, 2).get(timeout=60) == 4
    assert refused.state == "FAILURE"


@pytest.mark.parametrize("serializer", ["json", "yaml", "msgpack"])
def test_results_are_written_in_the_configured_serializer(deployment, serializer):
    deployment.write_tasks(result_serializer=serializer)
    deployment.start_worker()
    app = deployment.app(result_serializer=serializer, accept_content=["json", serializer])
    assert app.tasks["proj.echo"].delay(VALUE).get(timeout=60) == {"args": [VALUE], "kwargs": {}}
    failed = app.tasks["proj.fail"].delay("boom")
    with pytest.raises(ValueError, match="boom"):
        failed.get(timeout=60)


def test_a_large_compressed_message_does_not_delay_its_neighbours(app):
    big = app.tasks["proj.echo"].apply_async(("x" * 5_000_000,), compression="gzip")
    started = time.monotonic()
    assert app.tasks["proj.add"].delay(1, 1).get(timeout=60) == 2
    assert time.monotonic() - started < 5
    assert len(big.get(timeout=60)["args"][0]) == 5_000_000
