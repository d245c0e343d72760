#!/usr/bin/env bash
# A frame as a tiled, MIP-mapped texture for a renderer, in its working space.
#
#   texture.sh shot.kling out.tx [frame] [space]
set -euo pipefail
recipe=$1 out=$2 frame=${3:-1} space=${4:-}

if [ "$frame" = 1 ] && [ -z "$space" ]; then
    # maketx wants a real file, takes no hints, and reads the first frame.
    maketx "$recipe" -d half -o "$out"
else
    oiiotool --iconfig klio:frame "$frame" ${space:+--iconfig klio:to "$space"} "$recipe" \
        -d half -otex "$out"
fi
