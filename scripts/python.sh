#!/bin/sh
# Prints a Python that can run dlnb: 3.11 to 3.13, with venv and pip. $PYTHON chooses one.
set -u

suits() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
}

makes_venvs() {
    "$1" -c 'import ensurepip, venv' >/dev/null 2>&1
}

found=""
for python in ${PYTHON:-python3 python3.13 python3.12 python3.11 python}; do
    path=$(command -v "$python" 2>/dev/null) || continue
    version=$("$path" -c 'import platform; print(platform.python_version())' 2>/dev/null) || continue
    found="$found $python is $version;"
    suits "$path" || continue
    if makes_venvs "$path"; then
        echo "$path"
        exit 0
    fi
    found="$found it lacks venv or pip (Debian and Ubuntu: install the package python3-venv);"
done

{
    echo "dlnb needs Python 3.11, 3.12 or 3.13, with venv.${found:+ Found:$found}"
    echo "Install one of them and, if it is not called python3, name it: make lab PYTHON=/path/to/python3.12"
} >&2
exit 1
