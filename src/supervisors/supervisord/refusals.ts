import type { Instance } from '../../instance.ts';
import type { Fields, Service } from '../../model.ts';
import { formatDuration } from '../../units.ts';
import { writtenFields } from '../fields.ts';
import { whyNotCarried } from './escape.ts';

/** Notes one written field that can't be made true. */
export type Refuse = (field: string, summary: string, hint: string) => void;

/** Everything written that the table of fields allows and this one service can't have. */
export function checkWritten(service: Service, instance: Instance, refuse: Refuse): void {
  checkSeconds(writtenFields(service), refuse);
  checkTexts(service, refuse);
  checkUser(service, instance, refuse);
  for (const key of Object.keys(service.written.environment ?? {})) {
    if (!key.startsWith('SUPERVISOR_')) continue;
    refuse(`environment.${key}`, 'supervisord sets it, to tell what runs', 'leave it out, or name it otherwise');
  }
}

/** supervisord counts whole seconds. */
function checkSeconds(fields: Fields, refuse: Refuse): void {
  for (const field of ['start.ready', 'stop.timeout']) {
    const ms = fields[field];
    if (typeof ms !== 'number' || ms % 1000 === 0) continue;
    const [down, up] = [Math.floor(ms / 1000) * 1000, Math.ceil(ms / 1000) * 1000].map(formatDuration);
    // 0s is another thing: not looked at, or killed at once.
    const hint = down === '0s' ? `write ${up}` : `write ${down} or ${up}`;
    refuse(field, `supervisord counts whole seconds, and this is ${formatDuration(ms)}`, hint);
  }
}

/** Every text that a program section can't hold. */
function checkTexts({ written }: Service, refuse: Refuse): void {
  const text = (field: string, value: string | undefined) => {
    const why = value === undefined ? undefined : whyNotCarried(value);
    if (why !== undefined) refuse(field, why, 'write it without');
  };
  written.command?.forEach((argument, i) => {
    text(`command.${i}`, argument);
  });
  if (written.command?.[0] === '') refuse('command.0', 'is empty', 'write the program to run');
  for (const [key, value] of Object.entries(written.environment ?? {})) text(`environment.${key}`, value);
  text('directory', written.directory);
  text('logs.stdout', written.logs?.stdout);
  text('logs.stderr', written.logs?.stderr);
  written.environmentFiles?.forEach((file, i) => {
    text(`environmentFiles.${i}`, file);
  });
}

/** Only root switches users. */
function checkUser({ written: { user } }: Service, { owned, name }: Instance, refuse: Refuse): void {
  const runsAs = owned?.user;
  if (user === undefined || runsAs === undefined || isRoot(runsAs) || user.split(':')[0] === runsAs.split(':')[0])
    return;
  refuse(
    'user',
    `supervisord/${name} runs as ${runsAs} and can start nothing as another`,
    `leave it out, or take \`user\` out of supervisors/${name}.yaml`,
  );
}

export function isRoot(user: string): boolean {
  return /^(root|0)(:|$)/.test(user);
}
