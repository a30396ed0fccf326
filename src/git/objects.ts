import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { writeAtomic } from '../host/files.ts';
import { Failure } from '../problem.ts';
import { mirrorOf, type Remote } from './remote.ts';
import { maskRemote } from './run.ts';

export type ObjectKind = 'commit' | 'tree' | 'blob' | 'tag';

/** An object as it was asked for. Its content was compared with its name: what a disk has damaged is never given. */
export type Found =
  | { readonly kind: ObjectKind; readonly id: string; readonly content: Buffer }
  | { readonly kind: 'missing' }
  /** Its content is larger than was asked for; nothing can be read after it. */
  | { readonly kind: 'too-large'; readonly id: string; readonly size: number };

/** Reads objects of a mirror through one process of git, one after another. */
export interface Objects extends AsyncDisposable {
  /** Gives what is behind each name (`1a2b3c…`, `1a2b3c…:services`), in order, as it comes: no more than one at a time is held. */
  read(names: readonly string[], largest: number): AsyncIterable<Found>;
  one(name: string, largest?: number): Promise<Found>;
}

/** What is wrong with what we have here: it is made anew. */
export class Corrupt extends Error {}

/** A commit or a tag; a tree is given more. */
const LARGEST = 1 << 20;
/** An object that is there is there within this time (ms). */
const MOST = 120_000;
const AGAIN = 'it is tried again by itself; is the disk very slow?';

export function openObjects(remote: Remote, environment: Readonly<Record<string, string>>): Objects {
  const child = spawn('git', ['cat-file', '--batch'], {
    cwd: remote.folder,
    env: { ...environment, ...readerOf(remote) },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (said.length < 4096) said += text;
  });
  child.stdin.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      said += String(error);
      child.stdout.destroy();
      resolve();
    });
    child.once('close', () => resolve());
  });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, MOST);
  const input = reader(
    child.stdout,
    () => ended,
    (): Error => {
      if (late)
        return new Failure({ code: 'git-timeout', summary: 'cannot read commits: it took too long', hint: AGAIN });
      const text = maskRemote(said.trim(), remote);
      if (!/ENOENT/.test(text)) return new Corrupt(text || 'git ended while it read objects');
      return new Failure({
        code: 'git-missing',
        summary: 'cannot read commits: there is no git here',
        hint: 'install git',
      });
    },
  );
  let over = false;

  async function* read(names: readonly string[], largest: number): AsyncGenerator<Found> {
    if (names.some((name) => name.includes('\n'))) throw new Error('a name of an object has no line breaks');
    child.stdin.write(names.map((name) => `${name}\n`).join(''));
    for (const _ of names) {
      if (over) throw new Error('nothing can be read after what was too large');
      const found = await next(largest);
      over = found.kind === 'too-large';
      yield found;
    }
  }
  const next = async (largest: number): Promise<Found> => {
    const line = await input.line();
    const [, id = '', kind = '', size = ''] = /^([0-9a-f]{40,64}) (commit|tree|blob|tag) (\d+)$/.exec(line) ?? [];
    if (id === '') {
      if (/ (missing|ambiguous)$/.test(line)) return { kind: 'missing' };
      throw new Corrupt(line);
    }
    if (Number(size) > largest) return { kind: 'too-large', id, size: Number(size) };
    const content = await input.bytes(Number(size));
    await input.bytes(1);
    const digest = createHash(id.length === 40 ? 'sha1' : 'sha256')
      .update(`${kind} ${size}\0`)
      .update(content)
      .digest('hex');
    if (digest !== id) throw new Corrupt(`${kind} ${id} is damaged`);
    return { kind: kind as ObjectKind, id, content };
  };
  return {
    read,
    one: async (name, largest = LARGEST) => {
      for await (const found of read([name], largest)) return found;
      throw new Error('no answer');
    },
    [Symbol.asyncDispose]: async () => {
      clearTimeout(timer);
      if (over) child.kill('SIGKILL');
      child.stdin.end();
      child.stdout.destroy();
      await ended;
    },
  };
}

/**
 * A repository beside the mirror, of the same objects, that knows of no remote: what is missing is said to be so, and is
 * fetched by us, all at once. In the mirror itself git would fetch it, one by one.
 */
export function readerOf(remote: Remote): Readonly<Record<string, string>> {
  const folder = join(remote.folder, 'reader.git');
  for (const name of ['objects', 'refs']) mkdirSync(join(folder, name), { recursive: true, mode: 0o700 });
  if (!existsSync(join(folder, 'HEAD'))) writeAtomic(join(folder, 'HEAD'), 'ref: refs/heads/none\n');
  return { GIT_DIR: folder, GIT_OBJECT_DIRECTORY: join(mirrorOf(remote), 'objects') };
}

/** Lines and bytes of a stream, which waits where nobody reads. */
function reader(stream: Readable, ended: () => Promise<void>, whyEnded: () => Error) {
  const chunks = stream[Symbol.asyncIterator]();
  let buffer: Buffer = Buffer.alloc(0);
  const more = async (): Promise<Buffer> => {
    const { value, done } = await chunks.next().catch(() => ({ value: undefined, done: true }));
    if (!done) return value as Buffer;
    // Its end of output comes before what it says of it.
    await ended();
    throw whyEnded();
  };
  return {
    line: async (): Promise<string> => {
      for (;;) {
        const end = buffer.indexOf(10);
        if (end !== -1) {
          const line = buffer.toString('utf8', 0, end);
          buffer = buffer.subarray(end + 1);
          return line;
        }
        if (buffer.length > 65_536) throw new Corrupt('git gave no line');
        buffer = Buffer.concat([buffer, await more()]);
      }
    },
    bytes: async (size: number): Promise<Buffer> => {
      const parts = [buffer];
      let length = buffer.length;
      while (length < size) {
        const chunk = await more();
        parts.push(chunk);
        length += chunk.length;
      }
      const all = parts.length === 1 ? buffer : Buffer.concat(parts);
      buffer = all.subarray(size);
      return all.subarray(0, size);
    },
  };
}
