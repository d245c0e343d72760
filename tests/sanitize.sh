#!/usr/bin/env bash
# Builds klio with sanitizers and runs all tests: with address and undefined (and leaks), then with
# thread. Closes non-zero where a test fails, and where any process of a test reported something, be
# it noticed by the test or not. The reports are kept in build/asan/reports and build/tsan/reports.
#
#   tests/sanitize.sh [address|thread|all] [ctest arguments]
set -euo pipefail
cd "$(dirname "$0")/.."
which=${1:-all}
[ $# = 0 ] || shift
case $which in
address | thread) kinds=("$which") ;;
all) kinds=(address thread) ;;
*) echo "address, thread or all?" >&2; exit 2 ;;
esac
samples/install-packages.sh samples/packages.txt tests/packages.txt
unset KLIO_API_KEY KLIO_ENDPOINT KLIO_HOME KLIO_STAGE KLIO_CONFIG KLIO_ON_MISS OCIO

run() ( # KIND [ctest arguments]: in a subshell, since the environment differs
    local kind=$1 build sanitizers reports common status=0
    shift
    case $kind in
    address) build=build/asan sanitizers=address,undefined ;;
    thread) build=build/tsan sanitizers=thread ;;
    esac
    cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS_RELEASE="-O1 -g1" \
        -DCMAKE_CXX_FLAGS_RELEASE="-O1 -g1" -DKLIO_SANITIZE=$sanitizers -DKLIO_BUILD_TESTS=ON \
        -DKLIO_WERROR=ON >/dev/null || return 1
    cmake --build "$build" || return 1

    reports=$PWD/$build/reports
    rm -rf "$reports" && mkdir "$reports"
    common=log_path=$reports/report:log_exe_name=1:exitcode=86
    if [ "$kind" = address ]; then
        # Leaks, and text that does not end, are looked for in what is klio's alone: hosts that were
        # not built with the sanitizer, make and Qt among them, are full of their own. "%b" is the
        # program's name. Libraries without frame pointers, by whose functions their own leaks are
        # known, want the slow unwinder.
        rm -rf "$build/programs" && mkdir "$build/programs"
        for program in "$build"/bin/*; do
            echo detect_leaks=1:fast_unwind_on_malloc=0:malloc_context_size=16:strict_string_checks=1 \
                >"$build/programs/${program##*/}"
        done
        # OpenImageIO 2.4 deletes its TextureSystem as something smaller.
        echo new_delete_type_mismatch=0 >>"$build/programs/oiio_host"
        # What is undefined becomes an abort, since only the address sanitizer writes files.
        export ASAN_OPTIONS=$common:handle_abort=1:detect_stack_use_after_return=1:detect_leaks=0:include_if_exists=$PWD/$build/programs/%b
        export UBSAN_OPTIONS=$common:halt_on_error=1:abort_on_error=1:print_stacktrace=1
        export LSAN_OPTIONS=print_suppressions=0:suppressions=$PWD/tests/sanitizers/leaks.txt
        KLIO_TEST_PRELOAD=$(g++ -print-file-name=libasan.so)
    else
        # Libraries that were not built with the sanitizer are seen by half: their locks count,
        # their memory does not.
        # At its end a process waits a moment for races; a second, its default, is over what is
        # allowed for a Ctrl-C.
        export TSAN_OPTIONS=$common:atexit_sleep_ms=100:ignore_noninstrumented_modules=1:second_deadlock_stack=1:die_after_fork=0:suppressions=$PWD/tests/sanitizers/threads.txt
        KLIO_TEST_PRELOAD=$(g++ -print-file-name=libtsan.so)
    fi
    # Hosts that load the plugin need the sanitizer's runtime before anything else; in Python, which
    # is not C++, it finds how to throw only where that is there from the start, too.
    export KLIO_TEST_PRELOAD="$KLIO_TEST_PRELOAD $(g++ -print-file-name=libstdc++.so.6)"
    # The sanitizer's memory map does not suit every randomized address space.
    local fixed=()
    ! setarch -R true 2>/dev/null || fixed=(setarch -R)
    "${fixed[@]}" ctest --test-dir "$build" --output-on-failure --timeout 1800 "$@" || status=1
    if compgen -G "$reports/*" >/dev/null; then
        echo "$kind: reports in $reports:"
        grep -h '^SUMMARY' "$reports"/* | sort | uniq -c
        status=1
    fi
    [ $status != 0 ] || echo "$kind: no report"
    return $status
)

result=0
for kind in "${kinds[@]}"; do
    run "$kind" "$@" || result=1
done
exit $result
