"""`Scripts/start`, with the built program in place of one it would build."""

import os
import shutil
import subprocess

import pytest

from deployment import EXECUTABLE, ROOT, clean_environment


@pytest.fixture
def checkout(tmp_path):
    """A checkout whose release build is done, and a `swift` that only writes down what it is asked for."""
    shutil.copytree(ROOT / "Scripts", tmp_path / "checkout" / "Scripts")
    release = tmp_path / "checkout" / ".build" / "release"
    release.mkdir(parents=True)
    (release / "celeriac").symlink_to(EXECUTABLE)
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "swift").write_text(f'#!/bin/sh\necho "$PWD: $*" >> {tmp_path}/asked\n')
    (tools / "swift").chmod(0o755)
    return tmp_path


def start(folder, *arguments, path=None):
    """Runs the script in a folder of its own."""
    (folder / "here").mkdir()
    return subprocess.run(
        [folder / "checkout" / "Scripts" / "start", *arguments], cwd=folder / "here", timeout=110,
        env=clean_environment(PATH=path or f"{folder / 'tools'}:{os.environ['PATH']}"), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )


@pytest.mark.timeout(120)
def test_it_builds_and_runs_the_nine_tasks_where_it_is_called(checkout):
    done = start(checkout, "--once")
    print(done.stdout)
    assert done.returncode == 0
    asked = "build -c release --product celeriac --static-swift-stdlib"
    assert (checkout / "asked").read_text() == f"{checkout}/checkout: {asked}\n"
    assert "==> [" in done.stdout and "Building celeriac" in done.stdout
    assert done.stdout.count("SUCCESS") == 9
    assert list((checkout / "here" / "data" / "pdf").glob("*.pdf"))


def test_a_failed_build_is_the_end(checkout):
    (checkout / "tools" / "swift").write_text("#!/bin/sh\necho broken >&2\nexit 1\n")
    done = start(checkout)
    assert done.returncode == 1
    assert "broken" in done.stdout and "the build failed" in done.stdout


def test_a_missing_toolchain_is_said(checkout):
    os.remove(checkout / "tools" / "swift")
    for tool in ("bash", "dirname", "basename"):
        (checkout / "tools" / tool).symlink_to(shutil.which(tool))
    done = start(checkout, path=str(checkout / "tools"))
    assert done.returncode == 1
    assert "Celeriac needs Swift 6.3 or newer" in done.stdout


def test_its_help_tells_the_options(checkout):
    done = start(checkout, "--help")
    assert done.returncode == 0
    assert "--once" in done.stdout and "Ctrl-C" in done.stdout
    assert not (checkout / "asked").exists()
