"""HUP: what the gateway reads at its start only is named when it has changed, each setting by its name."""

import signal

import yaml

from deployment import clean_environment
from gateway import PROGRAM
from logged_process import LoggedProcess

#: Each setting that needs a restart, and another value of it.
CHANGES = {
    "gateway.host": {"gateway": {"host": "127.0.0.2"}},
    "gateway.port": {"gateway": {"port": 5999}},
    "gateway.unix_socket": {"gateway": {"unix_socket": "gateway.sock"}},
    "gateway.shutdown_timeout": {"gateway": {"shutdown_timeout": 3}},
    "gateway.tls": {"gateway": {"tls": {"certificate": "cert.pem", "key": "key.pem"}}},
    "broker_url": {"broker_url": "redis://127.0.0.1:1/3"},
    "broker_read_url": {"broker_read_url": "redis://127.0.0.1:1/3"},
    "broker_write_url": {"broker_write_url": "redis://127.0.0.1:1/3"},
    "broker_transport_options": {"broker_transport_options": {"global_keyprefix": "other:"}},
    "broker_use_ssl": {"broker_use_ssl": {"ssl_cert_reqs": "none"}},
    "broker_failover_strategy": {"broker_failover_strategy": "shuffle"},
    "broker_connection_timeout": {"broker_connection_timeout": 17},
    "result_backend": {"result_backend": "redis://127.0.0.1:1/3"},
    "result_backend_transport_options.global_keyprefix": {
        "result_backend_transport_options": {"global_keyprefix": "other:"},
    },
    "result_backend_transport_options": {"result_backend_transport_options": {"master_name": "other"}},
    "redis_socket_connect_timeout": {"redis_socket_connect_timeout": 17},
    "redis_backend_use_ssl": {"redis_backend_use_ssl": {"ssl_cert_reqs": "none"}},
    "worker_dead_after": {"worker_dead_after": 17},
    "control_exchange": {"control_exchange": "other"},
    "log_level": {"log_level": "ERROR"},
    "log_format": {"log_format": "json"},
}
TOLD = "Takes effect at the next start only: "


def test_every_setting_that_needs_a_restart_is_named_when_it_has_changed(deployment):
    deployment.write_tasks(gateway={"port": 0})
    before = yaml.safe_load(deployment.tasks_path.read_text())
    command = [PROGRAM, "--config", deployment.tasks_path, "-l", "WARNING"]
    gateway = LoggedProcess(command, deployment.directory, clean_environment(), "gateway")
    deployment.processes.append(gateway)
    gateway.wait_for_line("celeriac-gateway ready on ")

    def named(*changes):
        """The settings that the gateway names when these are changed."""
        content = {**before, "gateway": dict(before["gateway"])}
        for change in changes:
            for key, value in change.items():
                content[key] = {**content.get(key, {}), **value} if isinstance(value, dict) else value
        deployment.tasks_path.write_text(yaml.safe_dump(content))
        taken = gateway.count_lines("read again and is in use")
        told = gateway.count_lines(TOLD)
        gateway.signal(signal.SIGHUP)
        gateway.wait_for_line("read again and is in use", count=taken + 1)
        return gateway.wait_for_line(TOLD, count=told + 1).partition(TOLD)[2].split(", ")

    for name, change in CHANGES.items():
        assert named(change) == [name]
    assert named(*CHANGES.values()) == list(CHANGES)
    # Back again: nothing differs from what is in use, and nothing is named.
    deployment.tasks_path.write_text(yaml.safe_dump(before))
    told = gateway.count_lines(TOLD)
    gateway.signal(signal.SIGHUP)
    gateway.wait_for_line("read again and is in use", count=len(CHANGES) + 2)
    deployment.tasks_path.write_text(yaml.safe_dump({**before, **CHANGES["log_level"]}))
    gateway.signal(signal.SIGHUP)
    gateway.wait_for_line(TOLD, count=told + 1)
    assert gateway.count_lines("read again and is in use") == len(CHANGES) + 3
    assert gateway.count_lines(TOLD) == told + 1
