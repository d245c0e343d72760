#!/usr/bin/env bash
# Builds and runs the fuzzers of the answer parser and the recipe parser (clang's libFuzzer, with
# address and undefined-behaviour sanitizers).
#   tests/fuzz/run.sh answer|recipe SECONDS [FOLDER]
# FOLDER keeps the build, the corpus and what crashed; default: a new temporary one.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
target=$1 seconds=$2 folder=${3:-$(mktemp -d)}
mkdir -p "$folder/include/klio" "$folder/corpus-$target"
sed -e 's/@PROJECT_VERSION@/0/;s/@PROJECT_VERSION_[A-Z]*@/0/' "$top/lib/include/klio/version.h.in" \
  >"$folder/include/klio/version.h"

case $target in
answer)
  sources="$top/lib/service/answer.cpp $top/lib/service/doubt.cpp $top/lib/service/failure.cpp
    $top/lib/service/image_type.cpp $top/lib/service/places.cpp $top/lib/service/words.cpp
    $top/lib/transport/backoff.cpp"
  seeds=("$top"/tests/fuzz/seeds/answer-*)
  libraries="-lcurl -lcrypto" ;;
recipe)
  sources="$top/lib/request/recipe.cpp $top/lib/request/request.cpp"
  seeds=("$top"/tests/fuzz/seeds/recipe-*)
  libraries="-lcrypto" ;;
*) echo "answer or recipe?" >&2; exit 2 ;;
esac
base=$(ls "$top"/lib/base/*.cpp)
# shellcheck disable=SC2086
clang++ -std=c++17 -g -O1 -DKLIO_BUILDING -fsanitize=fuzzer,address,undefined \
  -fno-sanitize-recover=undefined -I"$top/lib" -I"$top/lib/include" -I"$folder/include" \
  "$top/tests/fuzz/${target}_fuzz.cpp" $sources $base $libraries -lpthread -o "$folder/fuzz-$target"
cp -n "${seeds[@]}" "$folder/corpus-$target/"
cd "$folder"
exec nice -n 19 "./fuzz-$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1500 \
  -max_len=16384 -dict="$top/tests/fuzz/$target.dict" -print_final_stats=1 "corpus-$target"
