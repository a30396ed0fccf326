// What the stand-ins share: a number that survives restarts, and a small server on localhost.
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { homedir } from 'node:os';
import { join } from 'node:path';

const folder = join(homedir(), '.local', 'state', 'reconciled-sample');

/** A whole number in a file; written so that a kill at any moment leaves the old one or the new one. */
export function keptNumber(name) {
  const path = join(folder, name);
  let value = 0;
  try {
    value = Number.parseInt(readFileSync(path, 'utf8'), 10) || 0;
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  return {
    get: () => value,
    set(next) {
      value = next;
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeFileSync(`${path}.new`, `${value}\n`);
      renameSync(`${path}.new`, path);
    },
    /** Milliseconds since it was last written; without end where it never was. */
    age: () => Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.NEGATIVE_INFINITY),
  };
}

/** Answers GET requests by path with JSON, on 127.0.0.1 alone. */
export function serve(port, answers) {
  const server = createServer((request, response) => {
    const answer = answers[request.url];
    response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' });
    response.end(`${JSON.stringify(answer ? answer() : { error: 'not found' })}\n`);
  });
  server.on('error', (error) => {
    log(`cannot listen on 127.0.0.1:${port}: ${error.code}`);
    process.exit(1);
  });
  server.listen(port, '127.0.0.1', () => log(`serving http://127.0.0.1:${port}/health`));
}

export function log(text) {
  console.log(`${new Date().toISOString()} ${text}`);
}

/** Ends cleanly when asked to. */
export function onStop(save) {
  for (const signal of ['SIGTERM', 'SIGINT']) {
    process.on(signal, () => {
      save();
      log(`${signal}: ended cleanly`);
      process.exit(0);
    });
  }
}
