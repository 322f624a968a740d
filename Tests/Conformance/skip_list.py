"""The tests of a suite that cannot run with a worker outside their own process, each with its reason."""

import os
import pathlib


class SkipList:
    """Reads a file of lines `<node id>  <reason>`; a node id without parameters stands for all of them."""

    def __init__(self, path=None):
        path = pathlib.Path(path or os.environ["CONFORMANCE_SKIPS"])
        self.reasons = {}
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            node, separator, reason = line.partition("  ")
            if not separator or not reason.strip() or node in self.reasons:
                raise ValueError(f"{path}:{number}: expected one line `<node id>  <reason>` for each test")
            self.reasons[node] = reason.strip()

    def reason(self, node):
        """Why the test cannot run; None when it can."""
        return self.reasons.get(node) or self.reasons.get(node.partition("[")[0])

    def unused(self, nodes):
        """The entries that stand for none of the tests."""
        known = set(nodes) | {node.partition("[")[0] for node in nodes}
        return [node for node in self.reasons if node not in known]
