#!/bin/sh
# Make the environment in $VENV. Chooses PyTorch's build first, so that no machine without a GPU pulls CUDA packages.
set -eu
VENV=${VENV:-.venv} PY=${PY:-python3} TORCH=${TORCH:-auto} PIPFLAGS=${PIPFLAGS:-}
torch=$(sed -n 's/^torch==//p' constraints.txt)

"$PY" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "radassay needs Python 3.11 or newer; $PY is $("$PY" --version 2>&1). Name another with PY=..." >&2
    exit 1
}
"$PY" -m venv "$VENV"
pip() { "$VENV/bin/python" -m pip --disable-pip-version-check "$@"; }

if [ "$TORCH" = auto ]; then
    if [ "$(uname -s)" != Linux ] || nvidia-smi >/dev/null 2>&1; then TORCH=cuda; else TORCH=cpu; fi
fi
if [ "$TORCH" = cpu ]; then
    # shellcheck disable=SC2086
    pip install -q $PIPFLAGS "torch==$torch+cpu" 2>/dev/null ||
        pip install -q $PIPFLAGS --extra-index-url https://download.pytorch.org/whl/cpu "torch==$torch+cpu" || {
        echo "PyTorch's CPU build $torch was not found. TORCH=cuda installs the default build (several GB)." >&2
        exit 1
    }
fi
# shellcheck disable=SC2086
pip install -q $PIPFLAGS -c constraints.txt -e '.[test]'
