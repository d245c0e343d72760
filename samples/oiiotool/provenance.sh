#!/usr/bin/env bash
# What made a picture: the provenance of a recipe's frames, or of files that were made from them.
#
#   provenance.sh shot.kling frame.0001.exr …
set -euo pipefail
for name in "$@"; do
    echo "$name"
    iinfo -v -a "$name" |
        sed -n 's/^ *klio:\(job\|model\|take\|frame\|task\|preview\|color_space\|time\): /  \1 /p'
done
