import { realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Problem } from '../../problem.ts';
import { positionOf, type Section } from './ini.ts';

/** What is asked of a listener: of one that a configuration has, or of the socket that one is to have. */
export type Opening =
  | { readonly kind: 'unix'; readonly path: string; readonly mode: number; readonly section?: Section }
  | {
      readonly kind: 'tcp';
      readonly host: string;
      readonly port: number;
      readonly username: string | undefined;
      readonly section?: Section;
    };

/**
 * What lets others speak to a supervisord, as it is written and as it is on disk: whoever can connect can stop and start its
 * programs, write to them and read their logs, as the user that it runs as. Never throws.
 */
export function listenerProblems(listener: Opening): Problem[] {
  return listener.kind === 'tcp' ? tcpProblems(listener) : socketProblems(listener);
}

function tcpProblems({ host, port, username, section }: Extract<Opening, { kind: 'tcp' }>): Problem[] {
  if (username !== undefined) return [];
  const who = isLoopback(host) ? 'any user of this host' : 'anybody who can reach this host';
  return [
    insecure(
      `supervisord listens on ${host === '' ? '*' : host}:${port} without a password: ${who} can control it`,
      'remove [inet_http_server] and use [unix_http_server] with chmod=0700, or give it a username and a password',
      section,
      'port',
    ),
  ];
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.startsWith('127.');
}

const OTHERS_WRITE = 0o002;
const STICKY = 0o1000;

function socketProblems({ path, mode, section }: Extract<Opening, { kind: 'unix' }>): Problem[] {
  const found: Problem[] = [];
  const is = modeOf(path) & 0o7777;
  const written = (mode & OTHERS_WRITE) !== 0;
  if (written || (is & OTHERS_WRITE) !== 0) {
    const what = written ? `has chmod=${octal(mode)}` : `has been given the mode ${octal(is)}`;
    const mend = section === undefined ? 'give it the mode 0700' : `chmod=0700 in [${section.name}]`;
    found.push(
      insecure(
        `the socket ${path} ${what}: any user of this host can control its supervisord`,
        written ? `${mend}, and restart it` : `chmod 0700 ${path}`,
        section,
        'chmod',
      ),
    );
  }
  const open = openFolder(path);
  if (open !== undefined) {
    found.push(
      insecure(
        `the socket ${path} can be replaced: any user of this host can write the folder ${open}`,
        `chmod o-w ${open}, or move the socket to a folder such as /run/supervisor`,
        section,
        'file',
      ),
    );
  }
  return found;
}

/** A folder above a path whose entries anybody can replace. A sticky one (/tmp) keeps each to its owner. */
function openFolder(path: string): string | undefined {
  for (const start of new Set([dirname(path), realPath(dirname(path))])) {
    for (let folder = start; ; folder = dirname(folder)) {
      const mode = modeOf(folder);
      if ((mode & OTHERS_WRITE) !== 0 && (mode & STICKY) === 0) return folder;
      if (dirname(folder) === folder) break;
    }
  }
  return undefined;
}

/** 0 for what is not there, or not for us to see. */
function modeOf(path: string): number {
  try {
    return statSync(path).mode;
  } catch {
    return 0;
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

function insecure(summary: string, hint: string, section: Section | undefined, name: string): Problem {
  const where = section?.options.get(name) ?? section;
  return { code: 'insecure-socket', summary, hint, ...(where === undefined ? {} : { at: positionOf(where, name) }) };
}
