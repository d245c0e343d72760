#!/usr/bin/env bash
# The frames of a recipe as an EXR sequence, scene-linear half, with their provenance.
#
#   frames-to-exr.sh shot.kling 'shot.#.exr'
set -euo pipefail
recipe=$1 out=$2

# Headers alone: this costs no decoding. An error says what to run, and what it would cost.
header=$(iinfo "$recipe")
count=$(sed -n 's/.*(\([0-9]*\) subimages).*/\1/p' <<<"$header")

# '#' is the frame's number, in the query as well as in the file's name.
oiiotool --frames "1-${count:-1}" "$recipe?frame=#" -o "$out"
