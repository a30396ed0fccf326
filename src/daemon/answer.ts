import type { ServerResponse } from 'node:http';
import type { Problem } from '../problem.ts';

/** Whoever asks is to know at once that it was heard: the answer may be long in coming. */
export function begin(response: ServerResponse, type: string): void {
  response.writeHead(200, { 'content-type': type });
  response.flushHeaders();
}

export function refuse(response: ServerResponse, status: number, ...problems: readonly Problem[]): void {
  json(response, status, { problems });
}

export function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(value)}\n`);
}
