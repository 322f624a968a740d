"""What the documents show works as it stands there."""

import re
import subprocess
import sys

import pytest

from deployment import EXECUTABLE, ROOT, clean_environment
from logged_process import LoggedProcess

PAGES = [ROOT / "README.md", *sorted((ROOT / "Docs").glob("*.md"))]


def blocks(page, language):
    """The code blocks of one language in a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    missing = [
        target for target in targets if "://" not in target and not (page.parent / target).exists()
    ]
    assert missing == []


def test_every_page_is_on_the_map():
    map_text = (ROOT / "Docs" / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in PAGES[1:] if page.name != "README.md" and f"]({page.name})" not in map_text] == []


def test_the_configuration_of_the_readme_is_right(deployment):
    for number, text in enumerate(blocks(ROOT / "README.md", "yaml")):
        path = deployment.directory / f"readme{number}.yaml"
        path.write_text(text, encoding="utf-8")
        done = deployment.run("report", "--check", path, config=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(150)
def test_the_python_of_the_readme_runs_against_the_demonstration(tmp_path):
    up = LoggedProcess(
        [EXECUTABLE, "up", "--demo", "--data", tmp_path / "data"], tmp_path, clean_environment(), "up"
    )
    try:
        line = up.wait_for_line(r"redis(\+socket)?://\S+", timeout=60)
        url = re.search(r"redis(\+socket)?://[^\s,;)'\"]+", line)[0]
        for number, text in enumerate(blocks(ROOT / "README.md", "python")):
            program = tmp_path / f"readme{number}.py"
            program.write_text(text, encoding="utf-8")
            done = subprocess.run(
                [sys.executable, program], cwd=tmp_path, env=clean_environment(BROKER_URL=url), capture_output=True,
                text=True, timeout=60,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            assert "mutabakat-123.pdf" in done.stdout
    finally:
        if up.running:
            up.terminate(30)
        print(up.text)
