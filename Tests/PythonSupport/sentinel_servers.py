"""A master, its replica and three sentinels of a test's own."""

import shutil
import subprocess

import redis

from redis_server import RedisServer, free_port
from waiting import eventually

NAME = "mymaster"


class SentinelServers:
    """A replicated Redis that three sentinels watch over; the first master can be killed.

    `password` is the servers', `sentinel_password` the sentinels' own.
    """

    def __init__(self, directory, password=None, sentinel_password=None):
        self.directory = directory
        self.password = password
        self.sentinel_password = sentinel_password
        # A replica that becomes the master is one whose data the former master needs too.
        login = ["--masterauth", password] if password else []
        fast = ["--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0", *login]
        self.master = RedisServer(directory / "first", password=password, arguments=fast)
        self.replica = RedisServer(
            directory / "second", password=password,
            arguments=["--replicaof", f"127.0.0.1 {self.master.port}", *fast],
        )
        eventually(lambda: self._replication("master_link_status") == "up", "the replica follows its master")
        self._sentinels = [self._start_sentinel(number) for number in range(3)]
        self.ports = [port for port, _ in self._sentinels]
        eventually(lambda: all(self._knows_everybody(port) for port in self.ports), "the sentinels know each other")

    def _start_sentinel(self, number):
        port = free_port()
        folder = self.directory / f"sentinel{number}"
        folder.mkdir(parents=True)
        lines = [
            f"port {port}", "bind 127.0.0.1", f"dir {folder}",
            f"sentinel monitor {NAME} 127.0.0.1 {self.master.port} 2",
            f"sentinel down-after-milliseconds {NAME} 1000", f"sentinel failover-timeout {NAME} 3000",
            f"sentinel parallel-syncs {NAME} 1",
        ]
        if self.password:
            lines.append(f"sentinel auth-pass {NAME} {self.password}")
        if self.sentinel_password:
            lines += [f"requirepass {self.sentinel_password}", f"sentinel sentinel-pass {self.sentinel_password}"]
        file = folder / "sentinel.conf"
        file.write_text("\n".join(lines) + "\n")
        with open(folder / "sentinel.log", "ab") as log:
            process = subprocess.Popen(
                [shutil.which("redis-server"), str(file), "--sentinel"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )
        return port, process

    def _replication(self, field):
        return self.replica.client().info("replication").get(field)

    def role(self, server):
        """What one of the servers takes itself for: `master` or `slave`."""
        return server.client().info("replication")["role"]

    def sentinel(self, port):
        """A client of one sentinel."""
        return redis.Redis(host="127.0.0.1", port=port, password=self.sentinel_password, decode_responses=True)

    def _knows_everybody(self, port):
        try:
            facts = self.sentinel(port).sentinel_master(NAME)
        except redis.ConnectionError:
            return False
        return facts["num-other-sentinels"] == 2 and facts["num-slaves"] == 1

    def kombu_url(self, database=0):
        """The sentinels as Celery writes them; it needs `master_name` besides."""
        login = f":{self.password}@" if self.password else ""
        return ";".join(f"sentinel://{login}127.0.0.1:{port}/{database}" for port in self.ports)

    def path_url(self, database=0):
        """The sentinels as one URL that holds the master's name."""
        login = f":{self.password}@" if self.password else ""
        return f"redis+sentinel://{login}{','.join(f'127.0.0.1:{port}' for port in self.ports)}/{NAME}/{database}"

    # What `Deployment` asks of a server.

    def url(self, database=0):
        """The URL under which Celeriac's programs find the master."""
        return self.path_url(database)

    def client(self, database=0, raw=False):
        """A client of whichever server is the master now."""
        return self.present.client(database, raw)

    @property
    def present(self):
        """The server that is the master now."""
        return self.master if self.master.is_running else self.replica

    def settle(self):
        """Waits until the replica has everything that was written."""
        assert self.master.client().wait(1, 30_000) == 1, "the replica is behind"

    def kill_master(self):
        """Ends the first master by SIGKILL, with everything replicated that was written before the call."""
        self.settle()
        self.master.kill()

    def wait_for_failover(self):
        """Waits until the replica has become the master."""
        eventually(lambda: self._replication("role") == "master", "the replica is promoted")

    def kill(self):
        """Ends all of it."""
        for _, process in self._sentinels:
            process.kill()
            process.wait(10)
        self.master.kill()
        self.replica.kill()
