import { readlinkSync } from 'node:fs';
import type { Service, ServiceId } from '../../model.ts';
import type { Problem } from '../../problem.ts';
import { filePlaces, type LogPlace, type LogPlaces } from '../log-place.ts';
import { settingsOf } from '../shared/settings.ts';
import { readRecord, type ServiceRecord } from './record.ts';

/** Where services log by their records. */
export function logPlaces(services: string, owner: string, asked: readonly Service[]): LogPlaces {
  const places = new Map<ServiceId, readonly LogPlace[]>();
  let problem: Problem | undefined;
  for (const { id } of asked) {
    const read = readRecord(services, id);
    if (read.kind === 'unreadable') problem ??= read.problem;
    if (read.kind === 'record' && read.record.owner === owner) places.set(id, placesOf(read.record));
  }
  return { places, ...(problem === undefined ? {} : { problem }) };
}

function placesOf({ id, definition, logDir, main }: ServiceRecord): readonly LogPlace[] {
  const { stdout, stderr } = settingsOf(id, definition.fields, logDir).logs;
  // What runs from an older definition has other files open, maybe.
  const isOlder = main?.hash !== undefined && main.hash !== definition.hash;
  const open = (fd: number) => (isOlder ? openFile(main.pid, fd) : undefined);
  return filePlaces(open(1) ?? stdout, open(2) ?? stderr);
}

function openFile(pid: number, fd: number): string | undefined {
  try {
    const path = readlinkSync(`/proc/${pid}/fd/${fd}`);
    return path.startsWith('/') && !path.endsWith(' (deleted)') ? path : undefined;
  } catch {
    // It has ended, or is not for us to look at.
    return undefined;
  }
}
