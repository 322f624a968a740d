"""What the documents say is so: their samples work, their links lead somewhere, what they name exists."""

import ast
import configparser
import json
import os
import re
import shlex
import subprocess
import sys

import pytest
import yaml

from command_line import CommandLine, commands_in
from deployment import BEAT, EXECUTABLE, ROOT, clean_environment
from documents import (
    PAGES, all_blocks, anchors, blocks, links, names_a_file, project_files, prose, python_tests, spans, swift_tests,
    text, words_of_the_program,
)
from gateway import PROGRAM as GATEWAY
from logged_process import LoggedProcess

#: Something that stands for what the reader puts there.
PLACEHOLDERS = {"NAME", "ID", "FILE", "…"}


#: A test of each page.
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def samples(language, such_as=""):
    """Every code block of one language over all pages, as parameters of a test."""
    found = [(name, content) for name, content in all_blocks(language) if such_as in content]
    assert found, f"no page has a sample in {language}"
    return pytest.mark.parametrize(("name", "content"), found, ids=[name for name, _ in found])


@pytest.fixture(scope="module")
def command_line():
    """What the program says about its own command line."""
    return CommandLine()


# What a page names


@each_page
def test_every_link_leads_somewhere(page):
    lost = []
    for target, anchor in links(page):
        path = page.parent / target if target else page
        if not path.exists():
            lost.append(target)
        elif anchor and anchor not in anchors(path):
            lost.append(f"{target}#{anchor}")
    assert lost == []


def test_every_page_is_on_the_map():
    map_text = text(ROOT / "Docs" / "README.md")
    assert [page.name for page in PAGES[1:] if page.name != "README.md" and f"]({page.name})" not in map_text] == []


@each_page
def test_every_source_file_it_names_exists(page):
    named = [span for span in spans(page) if re.fullmatch(r"[\w/.+-]+\.(?:swift|lua|py|c|sh|md)", span)]
    upstream = ("celery/", "kombu/", "dateutil/")
    missing = [name for name in named if not name.startswith(upstream) and not names_a_file(name)]
    assert missing == []


@each_page
def test_every_test_it_names_exists(page):
    in_python = [span for span in spans(page) if re.fullmatch(r"test_\w+", span) and not names_a_file(f"{span}.py")]
    assert [name for name in in_python if name not in python_tests()] == []
    # A few lower-case words in a code span are a test's name in Swift, or what the program says.
    sentences = [span for span in spans(page) if re.fullmatch(r"[a-z]+(?: (?:[a-z0-9'’-]|[A-Z][a-z])+,?){2,}", span)]
    commands = re.compile(r"(?:celeriac|git|swift|apt-get|redis-cli|kill|systemctl|docker|select|delete|celery) ")
    assert [
        sentence
        for sentence in sentences
        if not commands.match(sentence) and sentence not in swift_tests() and sentence not in words_of_the_program()
    ] == []


def test_every_key_of_ours_is_documented_and_every_documented_key_is_made():
    keys = text(ROOT / "Sources" / "RedisTransport" / "RedisKeys.swift")
    made = set(re.findall(r'"(celeriac:[\w:.-]+|_kombu\.[\w.]+|celery-task-meta-)', keys))
    page = prose(ROOT / "Docs" / "RedisKeys.md")
    documented = set(re.findall(r"`(?:<\w+>)*(celeriac:[\w:.-]+|_kombu\.[\w.]+|celery-task-meta-)", page))
    assert made and made == documented


def test_keys_are_named_in_one_file_only():
    elsewhere = [
        f"{path}: {key}"
        for path in project_files()
        if re.match(r"Sources/.*\.(swift|lua)$", path) and not path.endswith("RedisKeys.swift")
        for line in text(ROOT / path).splitlines()
        if not line.lstrip().startswith(("//", "--"))
        # Words in messages for people may name a key too; a key that is used stands alone between its quotes.
        for key in re.findall(r"""["'](celeriac:[\w:.-]*)["']""", line)
    ]
    assert elsewhere == []


# Configuration


@samples("yaml")
def test_every_configuration_is_right(tmp_path, name, content):
    if "beat_schedule" in content:
        return check_schedule(tmp_path, content)
    for folder in ("uploads", "templates/mail"):
        (tmp_path / folder).mkdir(parents=True)
    path = tmp_path / "tasks.yaml"
    path.write_text(content, encoding="utf-8")
    variables = {variable: "x" * 16 for variable in re.findall(r"\$\{(\w+)\}", content)}
    done = subprocess.run(
        [EXECUTABLE, "report", "--check", path], env=clean_environment(**variables), capture_output=True, text=True,
        timeout=30,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def check_schedule(tmp_path, content):
    """Beat understands a schedule, and would send something."""
    path = tmp_path / "beat.yaml"
    path.write_text(content, encoding="utf-8")
    done = subprocess.run(
        [BEAT, "plan", "--schedule", path, "--next", "400d", "--json"], env=clean_environment(), capture_output=True,
        text=True, timeout=60,
    )
    assert done.returncode == 0, done.stderr
    planned = {json.loads(line)["entry"] for line in done.stdout.splitlines()}
    assert planned == set(yaml.safe_load(content)["beat_schedule"])


def test_what_the_page_shows_of_problems_is_what_the_program_says(tmp_path):
    shown = next(block for block in blocks(ROOT / "Docs" / "Configuration.md", "") if "nothing was started" in block)
    (tmp_path / "tasks.yaml").write_text(
        "broker_ulr: redis://127.0.0.1/0\n"
        "pools: {cpu: {processes: 2}}\n"
        "queues:\n"
        "  pdf: {pool: cpus}\n"
        "tasks:\n"
        "  proj.echo: {handler: debug.echo, queue: pdf}\n"
        "worker_timer_precision: 1\n"
    )
    done = subprocess.run(
        [EXECUTABLE, "report", "--check", "tasks.yaml"], cwd=tmp_path, env=clean_environment(), capture_output=True,
        text=True, timeout=30,
    )
    assert done.returncode == 2
    assert done.stderr == shown


# Commands


@samples("sh")
def test_every_command_is_one(command_line, name, content):
    subprocess.run(["bash", "-n", "-c", content], check=True)
    for words in commands_in(content):
        assert command_line.complaint(words) is None, words
    for script, rest in re.findall(r"^(Scripts/\w+)(.*)$", re.sub(r"\s#.*", "", content), re.MULTILINE):
        assert os.access(ROOT / script, os.X_OK)
        words = shlex.split(rest)
        if script == "Scripts/start":
            assert command_line.complaint(["up", *words]) is None, words
        elif words:
            assert re.search(rf"^ *(?:\w+ \| )*{words[0]}(?: \| \w+)*\)", text(ROOT / script), re.MULTILINE), words


@each_page
def test_every_command_in_a_sentence_is_one(command_line, page):
    for span in spans(page):
        if not re.match(r"celeriac [-\w]", span):
            continue
        words = [word for word in shlex.split(span)[1:] if word not in PLACEHOLDERS]
        assert command_line.complaint(words) is None, span


def check_beat_command(tmp_path, words):
    """With the shipped files, beat would run as the words say."""
    for name in ("tasks.yaml", "beat.yaml"):
        (tmp_path / name).write_text(text(ROOT / name), encoding="utf-8")
    done = subprocess.run(
        [BEAT, *words], cwd=tmp_path, env=clean_environment(APP_ENV="test"), capture_output=True, text=True, timeout=30,
    )
    assert done.returncode == 0, done.stderr


def check_gateway_command(tmp_path, words):
    """Has the gateway check the shipped file where a service would start it."""
    (tmp_path / "tasks.yaml").write_text(text(ROOT / "tasks.yaml"), encoding="utf-8")
    done = subprocess.run(
        [GATEWAY, *words, "--check"], cwd=tmp_path, env=clean_environment(APP_ENV="test"), capture_output=True,
        text=True, timeout=30,
    )
    assert done.returncode == 0, done.stderr


@samples("ini")
def test_every_service_file_is_one(command_line, tmp_path, name, content):
    unit = configparser.ConfigParser(interpolation=None, delimiters="=", strict=True)
    unit.optionxform = str
    unit.read_string(content)
    known = {
        "Unit": {"Description", "Documentation", "After", "Wants"},
        "Service": {
            "Type", "User", "Group", "WorkingDirectory", "Environment", "EnvironmentFile", "ExecStartPre", "ExecStart",
            "ExecReload", "KillSignal", "KillMode", "TimeoutStopSec", "Restart", "RestartSec", "RestartPreventExitStatus",
            "OOMPolicy", "NoNewPrivileges", "ProtectSystem", "ProtectHome", "PrivateTmp", "ReadWritePaths",
        },
        "Install": {"WantedBy"},
    }
    assert set(unit.sections()) <= set(known)
    for section in unit.sections():
        assert set(unit[section]) <= known[section]
    commands = [unit["Service"][key] for key in ("ExecStartPre", "ExecStart") if key in unit["Service"]]
    for command in commands:
        program, *words = shlex.split(command)
        assert program.startswith("/")
        if os.path.basename(program) == "celeriac-beat":
            check_beat_command(tmp_path, words)
        elif os.path.basename(program) == "celeriac-gateway":
            check_gateway_command(tmp_path, words)
        else:
            assert os.path.basename(program) == "celeriac"
            assert command_line.complaint(words) is None, words
    # Where systemd is installed it has a say too; it wants the program to exist.
    if subprocess.run(["which", "systemd-analyze"], capture_output=True).returncode == 0:
        path = tmp_path / "celeriac@pdf.service"
        path.write_text(re.sub(r"/\S+/(celeriac(?:-beat|-gateway)?)(?= )", rf"{EXECUTABLE.parent}/\1", content))
        done = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True, timeout=30)
        assert "celeriac@" not in done.stderr, done.stderr


@samples("dockerfile")
def test_every_image_has_what_the_program_needs(command_line, name, content):
    lines = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", content, flags=re.MULTILINE)).splitlines()
    instructions = [line.split(maxsplit=1) for line in lines if line.strip()]
    known = {"FROM", "RUN", "COPY", "WORKDIR", "USER", "STOPSIGNAL", "ENTRYPOINT", "CMD", "ENV", "VOLUME"}
    assert instructions[0][0] == "FROM"
    assert {word for word, _ in instructions} <= known
    for word, rest in instructions:
        if word == "RUN":
            subprocess.run(["bash", "-n", "-c", rest], check=True)
    commands = {word: json.loads(rest) for word, rest in instructions if word in ("ENTRYPOINT", "CMD")}
    program, *words = [*commands["ENTRYPOINT"], *commands.get("CMD", [])]
    assert os.path.basename(program) == "celeriac"
    assert command_line.complaint(words) is None
    installed = re.search(r"install -y --no-install-recommends (.*?)&& rm", content.replace("\\\n", ""), re.DOTALL)
    assert libraries_of_the_program() - with_what_they_need(installed[1].split()) == set()


def libraries_of_the_program():
    """The Debian packages of the system libraries that the program is linked with."""
    dynamic = subprocess.run(["readelf", "--dynamic", EXECUTABLE], check=True, capture_output=True, text=True).stdout
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic)
    resolved = subprocess.run(["ldd", EXECUTABLE], check=True, capture_output=True, text=True).stdout
    # The toolchain's own libraries are linked in where the program is built as the page says.
    paths = [path for name, path in re.findall(r"^\s*(\S+) => (/(?:usr/)?lib/\S+)", resolved, re.M) if name in needed]
    packages = set()
    for path in map(os.path.realpath, paths):
        for candidate in (path, path.removeprefix("/usr")):
            done = subprocess.run(["dpkg-query", "--search", candidate], capture_output=True, text=True)
            packages |= set(re.findall(r"^([^:\s]+)", done.stdout, re.MULTILINE))
    return packages


def with_what_they_need(packages):
    """Debian packages with all that they depend on."""
    found, waiting = set(), set(packages)
    while waiting:
        package = waiting.pop()
        found.add(package)
        done = subprocess.run(
            ["dpkg-query", "--show", "--showformat=${Depends},${Pre-Depends}", package], capture_output=True, text=True
        )
        waiting |= set(re.findall(r"(?:^|, *)([a-z0-9.+-]+)", done.stdout)) - found
    return found


# Code


@samples("python")
def test_every_python_sample_is_python_and_calls_tasks_that_are_shipped(name, content):
    tree = ast.parse(content.replace("…", "..."))
    shipped = {task.rpartition(".")[2] for task in yaml.safe_load(text(ROOT / "tasks.yaml"))["tasks"]}
    called = {
        node.func.value.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "delay"
        and isinstance(node.func.value, ast.Name)
    }
    assert called <= shipped


@samples("json")
def test_every_json_sample_is_json(name, content):
    json.loads(content)


@samples("swift")
def test_every_swift_sample_stands_in_a_file_that_is_compiled(name, content):
    wanted = code_lines(content)
    files = [text(ROOT / path) for path in project_files() if re.match(r"(Sources|Tests|Examples)/.*\.swift$", path)]
    assert any(wanted in code_lines(file) for file in files), "no compiled file has these lines"


def code_lines(source):
    """The lines of a source without indentation, empty lines, and who may import."""
    lines = [re.sub(r"\s+", " ", line.strip()) for line in source.splitlines()]
    lines = [line for line in lines if line and not re.match(r"(?:\w+ )?import ", line)]
    return "\n".join(["", *lines, ""])


@pytest.mark.timeout(150)
def test_the_python_of_the_readme_runs_against_the_demonstration(tmp_path):
    up = LoggedProcess(
        [EXECUTABLE, "up", "--demo", "--data", tmp_path / "data"], tmp_path, clean_environment(), "up"
    )
    try:
        line = up.wait_for_line(r"redis(\+socket)?://\S+", timeout=60)
        url = re.search(r"redis(\+socket)?://[^\s,;)'\"]+", line)[0]
        for number, content in enumerate(blocks(ROOT / "README.md", "python")):
            program = tmp_path / f"readme{number}.py"
            program.write_text(content, encoding="utf-8")
            done = subprocess.run(
                [sys.executable, program], cwd=tmp_path, env=clean_environment(BROKER_URL=url), capture_output=True,
                text=True, timeout=60,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            printed = ast.literal_eval(done.stdout)
            shown = ast.literal_eval(re.search(r"# (\{.*\})", content)[1].replace("…}", "0}"))
            assert list(printed) == list(shown)
            assert printed["pages"] == shown["pages"]
            assert printed["file"].endswith("/mutabakat-123.pdf")
    finally:
        if up.running:
            up.terminate(30)
        print(up.text)
