#!/usr/bin/env bash
# A comp's layout before a credit is spent: where the store has no frames yet, klio's local previews
# stand in for them: right in size and number, unmissably marked, in pixels and in metadata. What is
# in the store is read from there, so the same line gives the real thing later.
#
#   layout-before-buying.sh shot.kling out.png
set -euo pipefail
recipe=$1 out=$2

export KLIO_ON_MISS=preview
oiiotool "$recipe?frame=1&to=srgb" --resize 1280x0 -o "$out"
if iinfo -v "$recipe?frame=1" | grep -q 'klio:preview: 1'; then
    echo "$out shows a preview, nothing that the model made"
fi
