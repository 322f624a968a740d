"""Sums up one run of a suite: a line for each test in report.txt; a table, what failed, and the closing line on screen.

Usage: report.py FOLDER STATUS, where the folder holds junit.xml and pytest.log and STATUS is how pytest ended.
"""

import collections
import pathlib
import sys
import xml.etree.ElementTree as ElementTree

COLUMNS = ("passed", "failed", "listed", "skipped", "received")


class Case:
    """One test of the report."""

    def __init__(self, element):
        module, _, group = element.get("classname").partition(".test_")
        path, _, classes = group.partition(".")
        self.file = f"{module}.test_{path}".replace(".", "/") + ".py"
        self.name = "::".join([self.file, *([classes.replace(".", "::")] if classes else []), element.get("name")])
        self.seconds = float(element.get("time", 0))
        properties = {entry.get("name"): entry.get("value") for entry in element.iter("property")}
        self.received = int(properties.get("received", 0))
        self.outcome, self.reason = "passed", ""
        for kind in ("skipped", "failure", "error"):
            for found in element.iter(kind):
                message = found.get("message") or ""
                self.outcome = "failed" if kind != "skipped" else "skipped"
                if kind == "skipped" and (listed := properties.get("listed")):
                    self.outcome, message = "listed", listed
                self.reason = next((line for line in message.splitlines() if line.strip()), "")


def main():
    folder, status = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    try:
        report = ElementTree.parse(folder / "junit.xml").getroot()
        cases = merged(Case(element) for element in report.iter("testcase"))
    except (OSError, ElementTree.ParseError):
        cases = []
    with open(folder / "report.txt", "w", encoding="utf-8") as lines:
        for case in sorted(cases, key=lambda case: case.name):
            lines.write(f"{case.outcome:8}{case.seconds:7.1f} s  {case.received:4} received  {case.name}  {case.reason}\n")

    totals = collections.Counter(case.outcome for case in cases)
    totals["received"] = sum(1 for case in cases if case.received)
    by_file = collections.defaultdict(collections.Counter)
    for case in cases:
        by_file[case.file][case.outcome] += 1
        by_file[case.file]["received"] += bool(case.received)
    print(f"\n{'':60}" + "".join(f"{column:>10}" for column in COLUMNS))
    for file, counts in [*sorted(by_file.items()), ("all", totals)]:
        print(f"{file:60}" + "".join(f"{counts[column] or '':>10}" for column in COLUMNS))
    print("\nlisted: in the skip list; skipped: by the suite itself; received: tests that sent the worker messages.")
    print(f"Every test: {folder / 'report.txt'}. What failed, with the worker's log: {folder / 'pytest.log'}.\n")
    for case in cases:
        if case.outcome == "failed":
            print(f"failed: {case.name}: {case.reason[:200]}")
    failed = totals["failed"]
    if status not in (0, 1) or not cases or (status == 1 and not failed):
        failed += 1
        print(f"failed: the run ended with status {status}:\n{tail(folder / 'pytest.log')}")
    skipped = totals["skipped"] + totals["listed"]
    print(f"{totals['passed']} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""), flush=True)
    return 0 if failed == 0 and totals["passed"] else 1


def merged(cases):
    """One case for each test: what failed in its teardown stands in the report once more."""
    found = {}
    for case in cases:
        known = found.setdefault(case.name, case)
        if known is not case and case.outcome == "failed" and known.outcome != "failed":
            known.outcome, known.reason = case.outcome, case.reason
    return list(found.values())


def tail(path):
    """The end of a text file."""
    return path.read_text(encoding="utf-8", errors="replace")[-3000:] if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
