/**
 * node:http without its ES module face: that one reads every export, and so loads all of undici for WebSocket, which
 * costs 20 ms and some megabytes and is used by nobody here.
 */
export const http = process.getBuiltinModule('node:http');

/** With TLS. Loaded when it is first needed: a daemon that has nothing to ask that way is smaller without it. */
export function https(): typeof import('node:https') {
  return process.getBuiltinModule('node:https');
}
