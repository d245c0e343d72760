#!/usr/bin/env bash
# Installs what klio and its tests need, builds with warnings as errors, runs all tests.
#
#   tests/run.sh [ctest arguments]
set -euo pipefail
cd "$(dirname "$0")/.."
build=${KLIO_TEST_BUILD:-build/tests}

samples/install-packages.sh samples/packages.txt tests/packages.txt
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DKLIO_BUILD_TESTS=ON -DKLIO_WERROR=ON >/dev/null
cmake --build "$build"
if [ ! -d ../shared/data ]; then
    echo "the folder of real images (../shared/data) is missing: tests on them are skipped"
fi
# The tests must not see a key, a data folder or a config of the person who runs them.
unset KLIO_API_KEY KLIO_ENDPOINT KLIO_HOME KLIO_STAGE KLIO_CONFIG KLIO_ON_MISS OCIO
exec ctest --test-dir "$build" --output-on-failure --timeout 300 "$@"
