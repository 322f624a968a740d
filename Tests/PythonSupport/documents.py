"""Reading the project's documents: code blocks, code spans, headings, and what they claim."""

import functools
import re

from deployment import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "Docs").glob("*.md"))]

#: What the tables of Compatibility.md abbreviate.
ABBREVIATIONS = {"I/": "Tests/InteropTests/", "E/": "Tests/EndToEndTests/"}


def text(page):
    """A page's content."""
    return page.read_text(encoding="utf-8")


def blocks(page, language):
    """The code blocks of one language in a page; those without a language for an empty one."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", text(page), re.DOTALL | re.MULTILINE)
    return [content for name, content in fenced if name == language]


def all_blocks(language):
    """`(name, content)` of every code block of one language, over all pages."""
    return [
        (f"{page.name}-{number}", content)
        for page in PAGES
        for number, content in enumerate(blocks(page, language), 1)
    ]


def prose(page):
    """A page without its code blocks."""
    return re.sub(r"^```.*?^```$", "", text(page), flags=re.DOTALL | re.MULTILINE)


def spans(page):
    """The code spans in a page's prose."""
    return re.findall(r"`([^`\n]+)`", prose(page))


def links(page):
    """`(target, anchor)` of every link to a file of the project."""
    found = re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)", prose(page))
    return [(target, anchor) for target, anchor in found if "://" not in target]


def anchors(page):
    """The anchors of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@functools.cache
def project_files():
    """Every file of the project, as text relative to its root."""
    folders = ["Sources", "Tests", "Docs", "Scripts", "Benchmarks", "Examples"]
    below = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    return [str(path.relative_to(ROOT)) for path in [*below, *ROOT.glob("*.*")]]


def names_a_file(name):
    """Whether a name, perhaps without its first folders, is that of a file of the project."""
    for short, long in ABBREVIATIONS.items():
        if name.startswith(short):
            name = long + name.removeprefix(short)
    return any(f"/{path}".endswith(f"/{name}") for path in project_files())


@functools.cache
def words_of_the_program():
    """All sources in one text, to find in it what the program says."""
    return "\n".join(text(ROOT / path) for path in project_files() if re.match(r"Sources/.*\.(swift|lua)$", path))


@functools.cache
def python_tests():
    """The names of all test functions in Python."""
    sources = [text(ROOT / path) for path in project_files() if re.search(r"Tests/.*\.py$", path)]
    return {name for source in sources for name in re.findall(r"^def (test_\w+)", source, re.MULTILINE)}


@functools.cache
def swift_tests():
    """The sentences that name tests and suites in Swift."""
    sources = [text(ROOT / path) for path in project_files() if re.search(r"Tests/.*\.swift$", path)]
    return {name for source in sources for name in re.findall(r"(?:func|struct|class) `([^`\n]+)`", source)}
