# Python environments with real Celery, for the tests that put it on the other end of the wire.

# A Python that Celery 5.2 still runs on comes first.
find_python() {
    local candidate
    for candidate in python3.11 python3; do
        if command -v "$candidate" >/dev/null && "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

# Makes the environment $1 hold exactly what the requirements file $2 pins; does nothing when it does already.
install_python_environment() {
    local folder=$1 requirements=$2 python
    cmp -s "$requirements" "$folder/requirements.txt" && [ -x "$folder/bin/python" ] && return
    say "Installing Python packages of $requirements into $folder"
    find_python >/dev/null || install_packages python3 python3-venv
    python=$(find_python) || die "python3 with its venv module is needed for the tests with real Celery"
    rm -rf "$folder"
    "$python" -m venv "$folder"
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements" \
        || die "pip could not install $requirements"
    cp "$requirements" "$folder/requirements.txt"
}
