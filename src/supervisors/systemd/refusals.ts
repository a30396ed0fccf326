import { resolve } from 'node:path';
import type { Service } from '../../model.ts';
import { whyNotCarried, whyNotPlain } from './escape.ts';

/** Notes one written field that can't be made true. */
export type Refuse = (field: string, summary: string, hint: string) => void;

/** Everything written that the table of fields allows and this one service can't have. */
export function checkWritten(service: Service, refuse: Refuse): void {
  checkUnit(service, refuse);
  checkTexts(service, refuse);
  checkLogs(service, refuse);
}

/** A unit of others is started and stopped, never made, doubled or removed. */
function checkUnit({ written: { unit, instances, state } }: Service, refuse: Refuse): void {
  if (unit === undefined) return;
  if (unit.endsWith('@.service')) {
    refuse('unit', `${unit} is a template`, `name one of its instances: ${unit.replace('@', '@NAME')}`);
  }
  if (instances !== undefined) {
    refuse('instances', 'a unit of others has no instances', `write a service file for each, or leave it out`);
  }
  if (state === 'absent') {
    refuse('state', `${unit} belongs to others and is never removed`, 'write `state: disabled`');
  }
}

/** Every text that a unit file can't hold. */
function checkTexts({ written }: Service, refuse: Refuse): void {
  const quoted = (field: string, text: string) => {
    const why = whyNotCarried(text);
    if (why !== undefined) refuse(field, why, REWRITE);
  };
  const path = (field: string, text: string | undefined) => {
    const why = text === undefined ? undefined : whyNotPlain(resolve('/', text));
    if (why !== undefined) refuse(field, `the path ${why}, which a unit file can't hold`, REWRITE);
  };
  written.command?.forEach((argument, i) => {
    quoted(`command.${i}`, argument);
  });
  written.reload?.command?.forEach((argument, i) => {
    quoted(`reload.command.${i}`, argument);
  });
  if (written.command?.[0] === '') refuse('command.0', 'is empty', 'write the program to run');
  for (const [key, value] of Object.entries(written.environment ?? {})) quoted(`environment.${key}`, value);
  path('directory', written.directory);
  path('logs.stdout', written.logs?.stdout);
  path('logs.stderr', written.logs?.stderr);
  written.environmentFiles?.forEach((file, i) => {
    path(`environmentFiles.${i}`, file);
  });
}

const REWRITE = 'write it without';

/** The journal is systemd's, for all services at once. */
function checkLogs({ written: { logs } }: Service, refuse: Refuse): void {
  if (logs === undefined || logs.stdout !== undefined || logs.stderr !== undefined) return;
  const hint = 'write `logs.stdout` or `logs.stderr` too, or leave it out: journald.conf limits the journal';
  for (const field of ['maxSize', 'keep'] as const) {
    if (logs[field] !== undefined) refuse(`logs.${field}`, 'its output goes to the journal', hint);
  }
}
