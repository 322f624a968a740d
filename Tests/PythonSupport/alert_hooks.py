"""The other sides of alerts: a webhook in Slack's form, Sentry, a mail server."""

import email
import email.policy
import http.server
import json
import socketserver
import threading


class _Listening:
    """A server in the background on a free port, which may go away and come back on the same one."""

    def __init__(self):
        self.port = 0
        self.requests = []
        self.start()

    def start(self):
        self._server = self.make(("127.0.0.1", self.port))
        self._server.owner = self
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class _HTTPServer(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True


class WebServer(_Listening):
    """Remembers every request as (path, headers, body), and answers `status`."""

    status = 200

    def make(self, address):
        return _HTTPServer(address, _WebRequest)

    @property
    def bodies(self):
        """The bodies as JSON."""
        return [json.loads(body) for _, _, body in self.requests]

    @property
    def events(self):
        """The events of Sentry's envelopes."""
        return [json.loads(body.split(b"\n")[2]) for _, _, body in self.requests]


class _WebRequest(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        owner = self.server.owner
        if owner.status == 200:
            owner.requests.append((self.path, dict(self.headers), body))
        self.send_response(owner.status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


class _TCPServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


class MailServer(_Listening):
    """Remembers every mail as (recipients, bytes)."""

    def make(self, address):
        return _TCPServer(address, _Mails)

    @property
    def mails(self):
        """The mails, parsed."""
        return [email.message_from_bytes(content, policy=email.policy.default) for _, content in self.requests]


class _Mails(socketserver.StreamRequestHandler):
    def handle(self):
        self.say("220 fake")
        recipients = []
        while line := self.rfile.readline():
            verb = line.split(b":")[0].strip().upper().split(b" ")[0]
            if verb in (b"EHLO", b"HELO", b"RSET", b"NOOP", b"MAIL"):
                recipients = recipients if verb in (b"NOOP",) else []
                self.say("250 ok")
            elif verb == b"RCPT":
                recipients.append(line.decode().split("<")[1].split(">")[0])
                self.say("250 ok")
            elif verb == b"DATA":
                self.say("354 go on")
                content = b""
                while (part := self.rfile.readline()) != b".\r\n":
                    content += part[1:] if part.startswith(b".") else part
                self.server.owner.requests.append((recipients, content))
                self.say("250 taken")
            elif verb == b"QUIT":
                self.say("221 bye")
                return
            else:
                self.say("502 what?")

    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")
