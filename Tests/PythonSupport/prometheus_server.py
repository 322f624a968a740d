"""A Prometheus that scrapes what a test tells it to, from the Debian package's files."""

import json
import socket
import urllib.parse
import urllib.request

import yaml

from deployment import ROOT, clean_environment
from logged_process import LoggedProcess

BINARIES = ROOT / ".build" / "prometheus" / "usr" / "bin"


class PrometheusServer:
    """Scrapes each job's ports every half second; it ends with the test."""

    def __init__(self, directory, jobs):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        file = directory / "prometheus.yml"
        file.write_text(yaml.safe_dump({
            "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms"},
            "scrape_configs": [
                {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}" for port in ports]}]}
                for job, ports in jobs.items()
            ],
        }))
        self.process = LoggedProcess(
            [
                BINARIES / "prometheus", f"--config.file={file}", f"--storage.tsdb.path={directory / 'prometheus'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
            ],
            directory, clean_environment(), "prometheus",
        )
        self.process.wait_for_line("Server is ready to receive web requests")

    def ask(self, path, **parameters):
        """The data of an answer of its API."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            return json.load(answer)["data"]

    def query(self, expression):
        """The series that an expression has now."""
        return self.ask("query", query=expression)["result"]
