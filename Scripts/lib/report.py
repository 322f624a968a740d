"""Adds up machine-readable test reports, names what failed, and prints the closing line.

Usage: report.py [--step-failed NAME]... [REPORT:STATUS]...

STATUS is the exit status of the program that wrote the report. A report that is missing or holds no test, and a
status other than 0 that no failed test explains, count as one failure: a run that broke off has not passed.
"""

import argparse
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

CASE = re.compile(r'^\s*<testcase classname="(?P<suite>.*?)" name="(?P<name>.*?)" (?:time="[^"]*" )?/?>')


def cases_of_swift_testing(text):
    """Yields (name, outcome) of a report by Swift Testing, read by line.

    It is not always XML: quotation marks and ampersands of a test's name stand in it unescaped.
    """
    name, outcome = None, "passed"
    for line in text.splitlines():
        if match := CASE.match(line):
            if name is not None:
                yield name, outcome
            name, outcome = f"{match['suite']} {match['name']}".replace("`", ""), "passed"
        elif "<skipped" in line and outcome == "passed":
            outcome = "skipped"
        elif "<failure" in line or "<error" in line:
            outcome = "failed"
    if name is not None:
        yield name, outcome


def cases_of_junit(text):
    """Yields (name, outcome) of a report in the JUnit form, as pytest and XCTest write it."""
    for case in ElementTree.fromstring(text).iter("testcase"):
        kinds = {child.tag for child in case}
        outcome = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
        yield f"{case.get('classname')} {case.get('name')}", outcome


def cases(path):
    """Yields (name, outcome) of the report at `path`."""
    text = path.read_text(encoding="utf-8", errors="replace")
    yield from cases_of_swift_testing(text) if path.stem.endswith("-swift-testing") else cases_of_junit(text)


def broke_off(status, failed):
    """Says how a run ended that ended neither well nor because of its failed tests; None when it did."""
    if status in (124, 137):
        return "did not end in its time"
    if status not in (0, 1) or (status == 1 and not failed):
        return f"ended with status {status}"
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--step-failed", action="append", default=[])
    parser.add_argument("reports", nargs="*")
    options = parser.parse_args()

    outcomes = {"passed": 0, "failed": 0, "skipped": 0}
    failures = list(options.step_failed)
    for report in options.reports:
        path, _, status = report.rpartition(":")
        path = pathlib.Path(path)
        try:
            found = list(cases(path))
        except (OSError, ElementTree.ParseError) as error:
            failures.append(f"{path.name} cannot be read: {error}")
            continue
        if not found:
            failures.append(f"{path.name} holds no test")
        for name, outcome in found:
            outcomes[outcome] += 1
            if outcome == "failed":
                print(f"failed: {name}")
        if reason := broke_off(int(status), any(outcome == "failed" for _, outcome in found)):
            failures.append(f"the run of {path.name} {reason}")
    for failure in failures:
        print(f"failed: {failure}")

    failed = outcomes["failed"] + len(failures)
    closing = f"{outcomes['passed']} passed, {failed} failed"
    if outcomes["skipped"]:
        closing += f", {outcomes['skipped']} skipped"
    print(closing, flush=True)
    return 0 if failed == 0 and outcomes["passed"] > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
