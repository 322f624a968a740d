# The Debian packages the project needs, and how the missing ones are installed.

# What the compiler and the linker need.
build_packages=(
    build-essential pkg-config git ca-certificates
    libhiredis-dev libyaml-dev libpango1.0-dev libzip-dev libexpat1-dev libsqlite3-dev
    zlib1g-dev libbz2-dev libzstd-dev liblzma-dev libbrotli-dev
)

# What the demonstration needs beside the program itself.
run_packages=(redis-server fonts-dejavu-core)

# What the tests need beside that: readers and a judge of PDF files, a maker of certificates, a browser for the pages,
# clocks that are wrong.
test_packages=(poppler-utils qpdf openssl chromium chromium-driver libfaketime)

is_installed() {
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Installs those of the named Debian packages that are missing.
install_packages() {
    command -v dpkg-query >/dev/null || die "this is not a Debian system; install by hand what provides: $*"
    local missing=() package
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    say "Installing Debian packages: ${missing[*]}"
    as_root apt-get update -qq || die "apt-get update failed: is the network reachable?"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
        || die "apt-get could not install: ${missing[*]}"
}

# Puts the files of the Debian package $1 into the folder $2 without installing it: its service would be started.
unpack_package() {
    [ -d "$2" ] && return
    local folder
    say "Unpacking the Debian package $1 into $2"
    folder=$(mktemp -d)
    chmod 755 "$folder"
    (cd "$folder" && { apt-get download -qq "$1" || { as_root apt-get update -qq && apt-get download -qq "$1"; }; }) \
        || die "apt-get could not download $1"
    dpkg-deb --extract "$folder"/*.deb "$folder/files"
    mkdir -p "$(dirname "$2")"
    mv "$folder/files" "$2"
    rm -rf "$folder"
}
