#!/usr/bin/env bash
# Builds what the viewer takes from others, each into one ES module, from the pinned packages; `check` only compares.
# Node is needed for this alone. Run it where npm reaches a registry.
set -euo pipefail
cd "$(dirname "$0")"
target=../../backend/web/viewer/vendor
[ "${1:-}" = check ] && target=$(mktemp -d)
npm ci --no-audit --no-fund --silent
build() { node_modules/.bin/esbuild "$1" --bundle --format=esm --target=es2022 --minify --legal-comments=inline --log-level=warning --outfile="$target/$2"; }
echo "export { html, svg, nothing, render } from 'lit-html';" > entry.js && build entry.js lit-html.js
echo "export { default } from 'dompurify';" > entry.js && build entry.js dompurify.js
echo "export { default } from 'qr/decode.js';" > entry.js && build entry.js qr.js
rm entry.js
cp node_modules/lit-html/LICENSE "$target/LICENSE.lit-html"
cp node_modules/dompurify/LICENSE "$target/LICENSE.dompurify"
cp node_modules/qr/LICENSE "$target/LICENSE.qr"
[ "${1:-}" != check ] || diff -r ../../backend/web/viewer/vendor "$target"
