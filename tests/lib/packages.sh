# Finds out which Debian packages are missing; installs them as root, says the exact command otherwise.

# need_command NAME WHY HOW: stops unless the command exists.
need_command() {
    command -v "$1" >/dev/null 2>&1 && return 0
    echo "missing: $1 ($2): $3" >&2
    exit 69
}

# need_packages PACKAGE:PROOF WHY ...: PROOF is a command name or an absolute path (a pattern is allowed).
need_packages() {
    local missing=() package proof why
    while [ $# -gt 0 ]; do
        package=${1%%:*} proof=${1#*:} why=$2
        shift 2
        case $proof in
            /*) compgen -G "$proof" >/dev/null && continue ;;
            *) command -v "$proof" >/dev/null 2>&1 && continue ;;
        esac
        echo "missing: Debian package $package: $why" >&2
        missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "installing: ${missing[*]}" >&2
        DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}" >/dev/null 2>&1 ||
            { apt-get update >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}" >/dev/null; }
    else
        echo "run: sudo apt-get install --yes ${missing[*]}" >&2
        exit 69
    fi
}
