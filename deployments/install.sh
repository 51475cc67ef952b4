#!/bin/sh
# Installs Cairn into the Python that is first in PATH: the images' only way, and that of deployments/check-image.
#   install.sh libraries   what requirements.lock pins; TORCH_INDEX names an index with another build of torch
#   install.sh cairn       the checkout itself, with what workers for engines and a store on S3 need
set -eu
cd "$(dirname "$0")/.."
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1

case "${1:-}" in
libraries)
    # `torch==x` accepts x+cpu too, and pip takes that as the newer one: the lock need not know of the build.
    python -m pip install --quiet ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} --requirement requirements.lock
    ;;
cairn)
    python -m pip install --quiet --no-build-isolation ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} \
        --constraint requirements.lock --constraint requirements-dev.lock --editable '.[docker,kubernetes,s3]'
    ;;
*)
    echo "usage: install.sh libraries | cairn" >&2
    exit 2
    ;;
esac
