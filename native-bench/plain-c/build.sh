#!/bin/sh
# Builds produce.c against the librdkafka that node-rdkafka ships: build.sh OUTPUT
set -eu
here=$(dirname "$0")
deps=$(cd "$here/../.." && node scripts/librdkafka-path.mjs)
exec gcc -std=gnu11 -O2 -Wall -Wextra -isystem "$deps/include" -o "$1" "$here/produce.c" \
  "$deps/librdkafka.so.1" -Wl,-rpath,"$deps"
