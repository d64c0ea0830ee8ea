#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What CI adds to the tests. A line a check, the output of those that fail, and a count.
set -u
root=$1
build=$2
cd "$root" || exit 2

passed=0
failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

check() {
  checked=$1
  shift
  if "$@" >"$log" 2>&1; then
    echo "ok - $checked"
    passed=$((passed + 1))
  else
    echo "not ok - $checked"
    tail -n 200 "$log"
    failed=$((failed + 1))
  fi
}

sources() {
  git ls-files "$@" | grep -v '^tests/data/'
}

format() {
  sources '*.c' '*.h' | xargs clang-format --dry-run -Werror
}

types() {
  (cd codegen && mypy --strict --config-file mypy.ini portgen)
}

scripts() {
  sources | while read -r file; do
    if head -c 9 "$file" 2>/dev/null | grep -q '^#!/bin/sh'; then echo "$file"; fi
  done | xargs shellcheck
}

licences() {
  missing=$(sources '*.c' '*.h' '*.py' '*.sh' | xargs grep -L 'SPDX-License-Identifier: Apache-2.0')
  echo "$missing"
  [ -z "$missing" ]
}

# Suites that run Python or install packages have nothing more to say under a sanitizer, and what tries
# every byte takes too long there.
c_suites="--no-suite exhaustive --no-suite python --no-suite codegen --no-suite doc --no-suite example"

sanitizers() {
  [ -e "$build-asan/build.ninja" ] ||
    meson setup "$build-asan" "$root" -Db_sanitize=address,undefined -Db_lundef=false -Dwerror=true || return 1
  ninja -C "$build-asan" || return 1
  # GnuTLS has thread-local variables, and the sanitizer mistakes those of a loaded module's for others.
  # shellcheck disable=SC2086
  ASAN_OPTIONS=detect_leaks=1:fast_unwind_on_malloc=0:intercept_tls_get_addr=0 \
    UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
    LSAN_OPTIONS=suppressions="$root/tests/lsan.supp":print_suppressions=0 G_SLICE=always-malloc \
    meson test -C "$build-asan" --no-rebuild --print-errorlogs --timeout-multiplier 4 $c_suites
}

valgrind_tests() {
  meson test -C "$build" --no-rebuild --print-errorlogs --setup valgrind \
    --suite base --suite event --suite chain --suite codec --suite secret --suite rpc --suite bus \
    --suite registry --suite identity --suite sinks
}

# What a line of `ninja -t targets` begins with.
targets() {
  ninja -C "$build-fuzz" -t targets all | sed -n "s,^\\($1\\): .*,\\1,p" | sort -u
}

fuzz_one() {
  name=$(basename "$1" | sed 's/^libfuzzer-//')
  case $name in
    canonical | stored) corpus=event ;;
    *) corpus=$name ;;
  esac
  new=$(mktemp -d)
  ASAN_OPTIONS=intercept_tls_get_addr=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
    LSAN_OPTIONS=suppressions="$root/tests/lsan.supp":print_suppressions=0 \
    LD_LIBRARY_PATH="$build-fuzz/src/zu" ZU_MODULE_DIR="$build-fuzz/src/modules" \
    "$build-fuzz/$1" -seed="${ZU_FUZZ_SEED:-1}" -max_total_time="${ZU_FUZZ_SECONDS:-10}" -timeout=30 -artifact_prefix="$build-fuzz/" \
    "$new" "$root/tests/fuzz/corpus/$corpus"
  status=$?
  rm -rf "$new"
  return "$status"
}

# Each target from its corpus on, for some seconds.
fuzzers() {
  [ -e "$build-fuzz/build.ninja" ] ||
    CC=clang meson setup "$build-fuzz" "$root" -Db_lundef=false -Db_sanitize=address,undefined \
      -Dc_args=-fsanitize=fuzzer-no-link || return 1
  fuzzed=$(targets 'tests/fuzz/libfuzzer-[a-z-]*')
  [ -n "$fuzzed" ] || return 1
  # shellcheck disable=SC2046,SC2086
  ninja -C "$build-fuzz" $fuzzed $(targets 'src/modules/[a-z0-9-]*\.[a-z]*') || return 1
  for target in $fuzzed; do
    fuzz_one "$target" || return 1
  done
}

documentation() {
  ninja -C "$build" zu-doc
}

check "format" format
check "types of the generator" types
check "shell scripts" scripts
check "licence lines" licences
check "build with warnings as errors, tests under address and undefined behaviour sanitizers" sanitizers
check "tests under valgrind" valgrind_tests
check "fuzz targets, ${ZU_FUZZ_SECONDS:-10} seconds each" fuzzers
check "reference documentation without a warning" documentation

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
