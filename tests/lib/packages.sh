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

# need_build_packages: what compiling Sealgate takes besides Rust.
need_build_packages() {
    need_packages \
        gcc:cc "a C compiler and linker, for SQLite, zstd and ring" \
        libc6-dev:/usr/include/stdio.h "the C library's headers, for the same" \
        pkg-config:pkg-config "finds the libraries that verify SAML signatures" \
        libxmlsec1-dev:/usr/include/xmlsec1/xmlsec/xmlsec.h "verifies SAML signatures" \
        libxml2-dev:/usr/include/libxml2/libxml/parser.h "reads XML for it" \
        libssl-dev:/usr/include/openssl/evp.h "the cryptography beneath it" \
        libclang-dev:'/usr/lib/llvm-*/lib/libclang-[0-9]*.so*' "reads its headers, to be called from Rust" \
        libclang-dev:'/usr/lib/llvm-*/lib/clang/*/include/stddef.h' "the compiler's own headers, for the same"
}
