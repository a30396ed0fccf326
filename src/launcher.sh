#!/bin/sh
# Runs the command line on the project's own pinned Node where it is installed, else on the machine's.
self=$(readlink -f -- "$0") && here=${self%/*} || exit 1
case $(uname -m) in x86_64) arch=x64 ;; aarch64) arch=arm64 ;; *) arch=none ;; esac
# A daemon stays and mostly idles: without optimising compilers, their threads and memory.
case " $* " in
  *" daemon "*) export MALLOC_ARENA_MAX=1 && set -- --v8-pool-size=1 --no-opt --no-maglev "$here/cli.js" "$@" ;;
  # What ends soon earns back neither the second compiler's work nor memory that is touched for the first time.
  *) set -- --v8-pool-size=1 --max-semi-space-size=2 --no-opt "$here/cli.js" "$@" ;;
esac
for node in "$here/../node_modules/node-linux-$arch/bin/node" "$here/../../node-linux-$arch/bin/node"; do
  [ -x "$node" ] && exec "$node" "$@"
done
exec node "$@"
