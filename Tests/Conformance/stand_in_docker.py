"""A stand-in for Docker's client that runs the programs of t/smoke's containers as plain processes of this machine.

It has what pytest-docker-tools and pytest-celery ask of the real one: containers of redis-server and of workers, volumes
as folders, and networks in name only. A container's name for others is its id; where an address with such a name is
handed to a worker, it becomes the server's loopback port.
"""

import ast
import io
import json
import os
import pathlib
import shlex
import shutil
import signal as signals
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import uuid

import psutil
import pytest

from deployment import clean_environment
from external_worker import KIND, PROGRAM, ExternalWorker, write_settings
from redis_server import free_port

REDIS_PORT = "6379/tcp"
SIGNAL_SECONDS = 0.3
#: The image of a worker of the newest release: always a real one, so that tests which ask for it see a mixed fleet.
RELEASED_WORKER = "t/smoke/worker:latest"


class Image:
    """An image's name; there is nothing to build."""

    def __init__(self, name):
        self.id = name


class Images:
    def build(self, tag=None, **options):
        return Image(tag), []

    def pull(self, repository, **options):
        return Image(repository)


class Volume:
    """A folder."""

    def __init__(self, name, root):
        self.name = name
        self.folder = root / name
        self.folder.mkdir(parents=True)
        self.attrs = {"Labels": {}}

    def remove(self, force=False):
        shutil.rmtree(self.folder, ignore_errors=True)


class Network:
    """Nothing but a name: every process is on the loopback interface."""

    def __init__(self, name):
        self.name = self.id = name

    def remove(self):
        pass


class Named:
    """Makes volumes or networks and finds them again."""

    def __init__(self, make):
        self._make = make
        self._made = {}

    def create(self, name, **options):
        self._made[name] = self._make(name)
        return self._made[name]

    def get(self, name):
        return self._made[name]


class Container:
    """What every kind of container shares: a process that can be signalled, ended, and started again."""

    def __init__(self, client, image, command, environment, volumes, network):
        self.id = uuid.uuid4().hex
        self.image = image
        self.name = f"{pathlib.Path(str(image)).name}-{self.id[:12]}"
        self.labels = {}
        self.client = client
        # An empty word of a fixture's command arrives as None.
        self.command = [word or "" for word in command]
        self.network = network
        self.environment = client.translated(environment or {})
        self.volumes = [client.volumes.get(name) for name in volumes or {} if not os.path.isabs(name)]
        self.folder = client.root / self.id[:12]
        self.folder.mkdir(parents=True)
        self.log = self.folder / "log"
        self.process = None
        self.ports = {}

    def program(self):
        """The process as it is started: an `ExternalWorker` of the right command, environment and folder."""
        pytest.skip(f"needs a container of {self.image}")

    def start(self):
        self.process = self.process or self.program()
        self.process.start(ready=None)

    @property
    def status(self):
        return "running" if self.process and self.process.running else "exited"

    @property
    def attrs(self):
        code = self.process.exit_code if self.process and not self.process.running else 0
        return {
            "Config": {"Hostname": self.id[:12], "Labels": {}, "Env": []},
            "State": {"ExitCode": code, "Status": self.status},
            "NetworkSettings": {"Networks": {self.network: {"IPAddress": "127.0.0.1"}}, "Ports": self.ports},
            "HostConfig": {"PortBindings": {}},
        }

    def reload(self):
        pass

    def logs(self):
        return self.process.log_since(0) if self.process else b""

    def kill(self, signal=None):
        number = signal if isinstance(signal, int) else signals.Signals[signal or "SIGKILL"]
        if number == signals.SIGKILL:
            self.process.kill()
        else:
            self.process.signal(number)
            # As long as Docker takes; of two signals that come at once a process would see one.
            time.sleep(SIGNAL_SECONDS)

    def restart(self, timeout=10):
        if self.process.running:
            self.process.stop(timeout)
        self.start()

    def wait(self, timeout=None):
        return {"StatusCode": self.process.wait(timeout)}

    def remove(self, force=False):
        if self.process:
            self.process.kill()
        self.client.forget(self)

    def put_archive(self, path, data):
        """Fills the container's only volume."""
        with tarfile.open(fileobj=io.BytesIO(data.read()), mode="r:*") as archive:
            archive.extractall(self.volumes[0].folder, filter="data")
        return True

    def exec_run(self, command, **options):
        raise NotImplementedError(command)


class RedisContainer(Container):
    """A redis-server on a free loopback port."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.port = free_port()
        self.ports = {REDIS_PORT: [{"HostIp": "127.0.0.1", "HostPort": str(self.port)}]}

    def program(self):
        # The configuration file of the image is not in the source distribution; it opens the server to other hosts.
        options = [part for part in self.command[1:] if not part.endswith("redis.conf")]
        return ExternalWorker(
            ["redis-server", "--port", self.port, "--bind", "127.0.0.1", *options], clean_environment(), self.log,
            directory=self.folder,
        )

    def exec_run(self, command, **options):
        words = shlex.split(command) if isinstance(command, str) else list(command)
        if words[0] == "cat":
            return 0, self._listening()
        if words[0] == "redis-cli":
            ended = subprocess.run(["redis-cli", "-p", str(self.port), *words[1:]], capture_output=True, timeout=20)
            return ended.returncode, ended.stdout + ended.stderr
        return super().exec_run(command)

    def _listening(self):
        """What /proc/net/tcp would say inside: the inner port listens when the server takes connections."""
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", self.port)):
                return b""
        return b"0: 0100007F:%04X 00000000:0000 0A\n" % int(REDIS_PORT.partition("/")[0])


class WorkerContainer(Container):
    """A worker: of the kind that this run is about, or a released one of Celery."""

    def __init__(self, client, image, *arguments):
        super().__init__(client, image, *arguments)
        self.is_celery = KIND == "celery" or image == RELEASED_WORKER

    def program(self):
        application = self.volumes[0].folder
        words = [word.replace("%h", self.id[:12]) for word in self.command]
        environment = clean_environment(**self.environment)
        if self.is_celery:
            environment["PYTHONPATH"] = os.pathsep.join([str(application), os.getcwd()])
            command = [pathlib.Path(sys.executable).with_name("celery"), *words[1:]]
        else:
            environment.pop("PYTHONPATH", None)
            options = words[words.index("worker"):]
            command = [PROGRAM, "--config", self._configuration(application), *options]
        return ExternalWorker(command, environment, self.log, directory=application)

    def _configuration(self, folder):
        """Writes what the test changed in its application's configuration as a tasks.yaml."""
        settings = {}
        for node in ast.parse((folder / "app.py").read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and node.targets[0].id == "config" and isinstance(node.value, ast.Dict):
                settings = ast.literal_eval(node.value)
        path = write_settings(folder, settings)
        print(f"Changed worker configuration: {path.read_text(encoding='utf-8')}")
        return path

    def exec_run(self, command, **options):
        if "get_running_processes_info" not in str(command):
            return super().exec_run(command)
        parent = psutil.Process(self.process.pid)
        # Whatever the executable is called, inside its container it is the worker.
        found = [{"pid": process.pid, "name": "celery"} for process in [parent, *parent.children(recursive=True)]]
        return 0, json.dumps(found).encode()


class Containers:
    def __init__(self, client):
        self._client = client

    def create(self, image, command=(), environment=None, volumes=None, network="none", **options):
        kind = {"redis-server": RedisContainer, "celery": WorkerContainer}.get(command[0] if command else "", Container)
        return kind(self._client, image, command, environment, volumes, network)

    def run(self, *arguments, **options):
        if any(name.startswith("cpu") for name in options):
            pytest.skip("needs a container with a share of the processors")
        container = self.create(*arguments, **options)
        self._client.remember(container)
        container.start()
        return container

    def list(self, **options):
        return self._client.running


class StandInDocker:
    """What `docker.from_env()` returns."""

    def __init__(self, root=None):
        self.root = pathlib.Path(root or tempfile.mkdtemp())
        self.running = []
        self.images = Images()
        self.volumes = Named(lambda name: Volume(name, self.root))
        self.networks = Named(Network)
        self.containers = Containers(self)

    def remember(self, container):
        self.running.append(container)

    def forget(self, container):
        if container in self.running:
            self.running.remove(container)

    def translated(self, environment):
        """A worker's environment with the names of running servers replaced by their loopback addresses."""
        changed = {name: str(value) for name, value in environment.items()}
        for container in self.running:
            if not container.ports:
                continue
            name, port = container.id[:12], container.ports[REDIS_PORT][0]["HostPort"]
            for variable, value in changed.items():
                changed[variable] = value.replace(f"//{name}/", f"//127.0.0.1:{port}/")
            if changed.get("REDIS_HOST") == name:
                changed.update(REDIS_HOST="127.0.0.1", REDIS_PORT=port)
        return changed

    def close(self):
        """Ends whatever still runs."""
        for container in list(self.running):
            container.remove(force=True)
