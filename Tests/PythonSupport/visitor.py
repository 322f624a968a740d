"""Somebody who is logged in to the dashboard without a browser."""

import http.client
import re
import urllib.parse

from gateway import TOKENS
from raw_http import RawAnswer
from waiting import PATIENCE

#: Where the dashboard is.
JOBS = "/admin/jobs"


class Visitor:
    """Somebody who looks at a gateway's pages and sends their forms; at first nobody whom it knows."""

    def __init__(self, gateway, cookie=None):
        self.gateway = gateway
        self.cookie = cookie

    def ask(self, path, method="GET", form=None, **headers):
        """The answer of an address, to a form where there is one; underscores in headers' names stand for hyphens."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookie is not None:
            fields["Cookie"] = self.cookie
        body = None
        if form is not None:
            body = urllib.parse.urlencode(form)
            fields["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, fields)
            answer = connection.getresponse()
            return RawAnswer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def send(self, path, form, **headers):
        """The answer to a form."""
        return self.ask(path, "POST", form, **headers)

    def form_token(self, page="/queues/celery"):
        """The token that the forms of a page have in this session."""
        return re.search(r'name="csrf" value="([^"]+)"', self.ask(JOBS + page).text).group(1)


def try_to_log_in(gateway, token, next=None, **headers):
    """The answer to a login, right or wrong."""
    form = {"token": token, **({} if next is None else {"next": next})}
    return Visitor(gateway).send(f"{JOBS}/login", form, **headers)


def log_in(gateway, token=TOKENS["admin"]):
    """Somebody who has logged in with a token."""
    answer = try_to_log_in(gateway, token)
    assert answer.status == 303, answer
    return Visitor(gateway, answer.headers["Set-Cookie"].split(";")[0])
