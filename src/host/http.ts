/**
 * node:http without its ES module face: that one reads every export, and so loads all of undici for WebSocket, which
 * costs 20 ms and some megabytes and is used by nobody here.
 */
export const http = process.getBuiltinModule('node:http');
export const https = process.getBuiltinModule('node:https');
