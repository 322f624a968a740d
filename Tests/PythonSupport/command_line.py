"""What the program says about its own command line, to compare with what documents and service files use."""

import functools
import re
import shlex
import subprocess

from deployment import EXECUTABLE, clean_environment


class CommandLine:
    """The sub-commands of the program and their options, as its help lists them."""

    def __init__(self):
        self.global_options = _options(_help())
        self._commands = {}

    @functools.cached_property
    def names(self):
        """The sub-commands."""
        return set(re.findall(r"^  ([a-z]+)\b", _help().partition("SUBCOMMANDS:")[2], re.MULTILINE))

    def options(self, command):
        """The options of a sub-command, each with whether it takes a value."""
        if command not in self._commands:
            self._commands[command] = _options(_help(command))
        return self._commands[command]

    def complaint(self, words):
        """What is wrong with the words after the program's name, going by its help; None when nothing is."""
        options, command = self.global_options, None
        words = list(words)
        while words:
            word = words.pop(0)
            if not re.match(r"--?[A-Za-z]", word):
                if command is None and word not in self.names:
                    return f"there is no sub-command {word}"
                if command is None:
                    command, options = word, self.options(word)
                continue
            name, _, value = word.partition("=")
            if name not in options:
                return f"{command or 'the program'} has no option {name}"
            if options[name] and not value:
                if not words:
                    return f"{name} has no value"
                words.pop(0)
        return None


@functools.cache
def _help(*command):
    done = subprocess.run(
        [EXECUTABLE, *command, "--help"], env=clean_environment(COLUMNS="200"), capture_output=True, text=True,
        timeout=30, check=True,
    )
    return done.stdout


def _options(page):
    found = {}
    for line in re.findall(r"^  (-.*)$", page, re.MULTILINE):
        for name, value in re.findall(r"(?:^|, )(--?[\w-]+)((?: <[^>]*>)?)", line.partition("   ")[0]):
            found[name] = bool(value)
    # ArgumentParser shows the value after the last of an option's names only.
    for line in re.findall(r"^  (-.*)$", page, re.MULTILINE):
        names = re.findall(r"(?:^|, )(--?[\w-]+)", line.partition("   ")[0])
        if any(found[name] for name in names):
            found |= dict.fromkeys(names, True)
    return found


def commands_in(shell):
    """The words after `celeriac` of each call in a piece of shell."""
    found = []
    for line in shell.replace("\\\n", " ").splitlines():
        for part in re.split(r"\||&&|;", re.sub(r"(^|\s)#.*", "", line)):
            match = re.match(r"\s*(?:\w+=\S*\s+)*(?:\S*/)?celeriac\s+(.*)", part)
            if match:
                found.append(shlex.split(match[1]))
    return found
