#!/bin/sh
# Builds the blind server into PREFIX: a virtual environment with the server's dependencies and only those folders of
# this project that cannot open a record. The Containerfile runs it and so does tests/infra/test_image.py: what is
# tested is what is built.
#
#   infra/image/build.sh SOURCE PREFIX [EXTRA …]      extras of pyproject.toml; without any: server postgres firebase
#
# SOURCE needs no more than what BLIND names, LICENSE, pyproject.toml, constraints.txt and infra/image. PREFIX is where it will
# run: a virtual environment knows its own path.
set -eu

source=$1 prefix=$2
shift 2
[ $# -gt 0 ] || set -- server postgres firebase

# Every folder is named; a new one is left out until somebody adds it here.
BLIND="backend sync/__init__.py sync/wire sync/log crypto/__init__.py crypto/public"

python3 -m venv --without-pip "$prefix"
python3 -I "$source/infra/image/requirements.py" "$source/pyproject.toml" "$@" >"$prefix/requirements.txt"
python3 -m pip --python "$prefix/bin/python" --disable-pip-version-check --no-input install --quiet \
  --no-compile --constraint "$source/constraints.txt" --requirement "$prefix/requirements.txt"

packages=$("$prefix/bin/python" -I -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
for part in $BLIND; do
  mkdir -p "$packages/$(dirname "$part")"
  cp -R "$source/$part" "$packages/$(dirname "$part")/"
done
cp "$source/infra/image/alive.py" "$prefix/bin/alive.py"
cp "$source/LICENSE" "$prefix/LICENSE"

# A read-only tree takes no __pycache__ later. Hashes instead of times: the same input gives the same files. Faker comes
# with the web framework's aids for tests, is large, and the server never loads it.
find "$packages" -name __pycache__ -type d -prune -exec rm -rf {} +
"$prefix/bin/python" -I -m compileall -q -j 0 -x /faker/ --invalidation-mode unchecked-hash "$packages"

cat >"$prefix/bin/carnet-server" <<END
#!$prefix/bin/python -I
from backend.cli import main

if __name__ == "__main__":  # the processes of --workers read this file again
    raise SystemExit(main())
END
chmod 755 "$prefix/bin/carnet-server"
