# What the scripts share: where things are, and how they speak. Sourced, never run.
# shellcheck shell=bash disable=SC2034

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Everything that is installed for this checkout alone, and not by apt.
TOOLS=$ROOT/target/tools

say() { printf '%s\n' "$*"; }

fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Prints the comment at the top of the calling script, for --help.
usage() { sed -n '2,/^$/s/^# \{0,1\}//p' "$0"; }

# Runs a command as root: as we are, or with sudo, which may ask for a password only where somebody can answer.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        if [ -t 0 ] && [ "${CI:-}" != true ]; then sudo "$@"; else sudo -n "$@"; fi
    else
        fail "this needs root and there is no sudo; run as root: $*"
    fi
}

# step NAME COMMAND…: runs it under a heading, says how long it took, and ends the script if it fails.
step() {
    local name=$1 begun=$SECONDS
    shift
    printf '\n== %s\n' "$name"
    if ! "$@"; then
        printf '\n== FAILED: %s (after %d s): %s\n' "$name" $((SECONDS - begun)) "$*" >&2
        exit 1
    fi
    printf '== %s: %d s\n' "$name" $((SECONDS - begun))
}
