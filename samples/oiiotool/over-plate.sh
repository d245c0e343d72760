#!/usr/bin/env bash
# A frame put back over the plate that it was made from: where the model saw the plate it covers
# it, to the pixel, in the plate's own colour space; around it the plate stays.
#
#   over-plate.sh shot.kling plate.exr out.exr [frame]
set -euo pipefail
recipe=$1 plate=$2 out=$3 frame=${4:-1}

# A conformed frame has alpha; `over` wants it of the plate as well.
# Hints reach every image that is opened; only recipes heed those that begin with "klio:".
oiiotool --iconfig klio:conform "$(realpath "$plate")" --iconfig klio:frame "$frame" "$recipe" \
    "$plate" --ch R,G,B,A=1 --over --ch R,G,B -d half -o "$out"
