# What every script of this folder shares: saying what happens, and stopping with a clear message.

# Says which step begins, with the time since the script started.
say() {
    printf '\n==> [%3d s] %s\n' "$SECONDS" "$*"
}

# Stops with a message on standard error.
die() {
    printf '\n%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# Runs a command as root: as it is when we are root, by sudo otherwise.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "needs root for: $*
Run that as root (or install sudo), then start this script again."
    fi
}

# Stops when the Swift toolchain is missing; nothing here can install it.
require_swift() {
    command -v swift >/dev/null && return
    die "the Swift toolchain was not found on the PATH.
Celeriac needs Swift 6.3 or newer; swift.org has it for Debian 12. Install it, then start this script again."
}
