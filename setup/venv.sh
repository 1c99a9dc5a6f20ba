#!/bin/sh
# Keeps .venv exactly as requirements.lock says (install), and .venv-clients, where the brokers' official clients are for
# the tests, as requirements-clients.lock says (clients). Makes these lock files (lock, upgrade).
set -eu
cd "$(dirname "$0")/.."

# Which environment is meant, and its lock.
choose() {
    venv=$1
    locked=$2
    # A copy of the lock that was installed, written last: an interrupted install has none and is done again.
    stamp=$venv/installed.lock
}

install() {
    if is_up_to_date; then
        return
    fi
    python=$(find_python)
    echo "Building $venv with $python ..."
    rm -rf "$venv"
    "$python" -m venv "$venv"
    # Wheels only: nothing is compiled, and no package runs code of its own while it is installed.
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile \
        --require-hashes --only-binary :all: -r "$locked"
    cp "$locked" "$stamp.part"
    mv "$stamp.part" "$stamp"
}

lock() {
    python=$(find_python)
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    trap 'exit 1' HUP INT TERM
    "$python" -m venv "$scratch/venv"
    "$scratch/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'
    compile requirements.lock "$@" requirements.txt --group pyproject.toml:dev
    compile requirements-clients.lock "$@" requirements-clients.txt
    echo "requirements.lock and requirements-clients.lock are made; the next make installs them"
}

# The old lock stands in for the answer, so that what is pinned stays pinned unless --upgrade is asked for.
compile() {
    made=$1
    shift
    if [ -f "$made" ]; then
        cp "$made" "$scratch/$made"
    fi
    "$scratch/venv/bin/uv" pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest \
        --generate-hashes --only-binary :all: --no-header --no-emit-index-url --no-emit-find-links \
        --output-file "$scratch/$made" "$@"
    cp "$scratch/$made" "$made.part"
    mv "$made.part" "$made"
}

is_up_to_date() {
    cmp -s "$locked" "$stamp" || return 1
    is_supported "$venv/bin/python" || return 1
    [ -z "${PYTHON:-}" ] || [ "$(version_of "$PYTHON")" = "$(version_of "$venv/bin/python")" ]
}

# Prints the newest interpreter that runs and can build a virtual environment. Each one on PATH is tried, since
# a version manager's shim may be there and refuse, and a distribution may ship an interpreter without venv.
find_python() {
    if [ -n "${PYTHON:-}" ]; then
        is_supported "$PYTHON" || fail "PYTHON=$PYTHON does not run, or is no Python 3.11, 3.12 or 3.13"
        can_build "$PYTHON" || fail_without_venv "$PYTHON"
        echo "$PYTHON"
        return
    fi
    incomplete=
    for name in python3.13 python3.12 python3.11 python3 python; do
        IFS=:
        for folder in $PATH; do
            candidate=${folder:-.}/$name
            is_supported "$candidate" || continue
            if can_build "$candidate"; then
                echo "$candidate"
                return
            fi
            incomplete=$candidate
        done
        unset IFS
    done
    [ -z "$incomplete" ] || fail_without_venv "$incomplete"
    fail "no Python 3.11, 3.12 or 3.13 found on PATH: install one, or name it: make PYTHON=/path/to/python3.12"
}

is_supported() {
    "$1" -I -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
}

# The environment's own interpreter, on PATH once it is activated, would be removed under our feet.
can_build() {
    [ "$(dirname "$1")" -ef "$venv/bin" ] && return 1
    "$1" -I -c 'import ensurepip, venv' >/dev/null 2>&1
}

version_of() {
    "$1" -I -c 'import sys; print(sys.version)' 2>&1
}

fail_without_venv() {
    version=$("$1" -I -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    fail "$1 cannot build a virtual environment: its venv or ensurepip module is missing." \
        "On Debian and Ubuntu: apt-get install python$version-venv"
}

fail() {
    echo "tradebot: $*" >&2
    exit 1
}

choose .venv requirements.lock
case ${1:-} in
    install) install ;;
    clients)
        choose .venv-clients requirements-clients.lock
        install
        ;;
    lock) lock ;;
    upgrade) lock --upgrade ;;
    *) fail "usage: setup/venv.sh install | clients | lock | upgrade" ;;
esac
