#!/bin/sh
# Builds the kernels of the addon, as binding.gyp builds the addon itself: build.sh OUTPUT
set -eu
here=$(dirname "$0")
root=$(cd "$here/../../.." && pwd)
deps=$(cd "$root" && node scripts/librdkafka-path.mjs)
native="$root/src/native"
exec g++ -std=c++17 -O3 -fno-exceptions -Wall -Wextra -Wno-unused-parameter -pthread \
  -I "$native" -I "$here" -isystem "$deps/include" -o "$1" "$here/kernels.cc" \
  "$native/producer.cc" "$native/record-writer.cc" "$native/settlements.cc" \
  "$deps/librdkafka.so.1" -Wl,-rpath,"$deps"
