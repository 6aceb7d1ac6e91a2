# Sourced by scripts/demo and scripts/test: makes .venv complete for the current pyproject.toml and constraints.txt.
# Usage: seawall_environment EXTRA, where EXTRA is "" (what a run needs), "experiments" or "test". Needs nothing but
# a Python 3.11 or newer.

seawall_fail() {
    echo "seawall: $*" >&2
    exit 3
}

# Prints the first usable Python: one with a wheel of revm, an oracle of the tests (3.11, 3.12), before newer ones.
seawall_python() {
    for candidate in ${PYTHON:-} python3.12 python3.11 python3 python python3.13 python3.14; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            echo "$candidate"
            return 0
        fi
    done
    return 1
}

seawall_environment() {
    extra="$1"
    if ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        python=$(seawall_python) || seawall_fail "needs Python 3.11 or newer; set PYTHON to one if it is not on PATH"
        echo "seawall: creating .venv with $($python --version)" >&2
        rm -rf .venv
        "$python" -m venv .venv >/dev/null 2>&1 ||
            seawall_fail "'$python -m venv' failed; Debian and Ubuntu need the package python3-venv"
    fi

    wanted=$(.venv/bin/python - <<'PYTHON'
import hashlib, pathlib, sys
files = (pathlib.Path(name).read_bytes() for name in ("constraints.txt", "pyproject.toml"))
print(hashlib.sha256(b"\0".join((*files, sys.version.encode(), str(pathlib.Path.cwd()).encode()))).hexdigest())
PYTHON
    )
    # Each set contains the ones before it, so the stamp of a larger set serves a smaller one.
    case "$extra" in
        test) enough="test" ;;
        experiments) enough="test experiments" ;;
        *) enough="test experiments run" ;;
    esac
    for set in $enough; do
        if [ -f ".venv/.seawall-$set" ] && [ "$(cat ".venv/.seawall-$set")" = "$wanted" ]; then
            return 0
        fi
    done

    echo "seawall: installing the pinned packages into .venv (a few minutes the first time)" >&2
    log=$(mktemp "${TMPDIR:-/tmp}/seawall-install.XXXXXX")
    # The compiler asks for a package without a wheel for Python 3.14 (docs/decisions/0015-no-wheel-no-compiler.md).
    stand_ins=
    if .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 14))'; then
        stand_ins=./scripts/stand_ins/immutables
    fi
    # shellcheck disable=SC2086  (one path without spaces, or nothing)
    if ! .venv/bin/python -m pip install --disable-pip-version-check --no-input --progress-bar off \
        -c constraints.txt $stand_ins -e ".${extra:+[$extra]}" >"$log" 2>&1; then
        tail -n 15 "$log" >&2
        seawall_fail "the install failed; the whole log is $log"
    fi
    rm -f "$log"
    echo "$wanted" >".venv/.seawall-${extra:-run}"
}
