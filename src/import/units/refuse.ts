import type { Position, Problem } from '../../problem.ts';
import { readUnit } from '../../supervisors/systemd/read-unit.ts';
import { typeOf } from './life.ts';
import { Lines } from './lines.ts';
import type { UnitLine, UnitText } from './text.ts';

type Because = Pick<Problem, 'code' | 'at' | 'hint'> & { readonly because: string };

export function refusal(unit: string, file: string, { because, ...rest }: Because): Problem {
  return { summary: `cannot import ${unit}: ${because}`, file, ...rest };
}

/** Why nothing can be made of the text of a unit's own file, before it is looked at line by line. */
export function whyNotUnit(text: string, read: UnitText): Because | undefined {
  if (readUnit(text).kind !== 'foreign') {
    const hint = 'its service is declared already: `reconcile status` lists it';
    return { code: 'already-ours', because: 'reconciled has written it', hint };
  }
  const template = templateIn(text, read);
  if (template !== undefined) return template;
  const { broken, lines, ignored } = read;
  if (lines.length === 0) {
    const at = broken?.at ?? ignored[0]?.at;
    const script = /^#!/.test(text);
    return {
      code: script ? 'not-a-unit' : 'broken-unit',
      because: script ? 'it is a script, not a unit file' : 'it holds no directive of a unit',
      ...(at === undefined ? {} : { at }),
      hint: script
        ? 'write a unit whose ExecStart= runs it, or a service file with it as `command`'
        : 'it begins with [Unit] or [Service]; compare with `systemctl cat` of one that works',
    };
  }
  if (broken === undefined) return undefined;
  return {
    code: 'broken-unit',
    because: `systemd can't load it: ${broken.why}`,
    at: broken.at,
    hint: 'correct that line; `systemd-analyze verify FILE` tells more',
  };
}

/** Programs whose arguments may hold such marks of their own. */
const HAS_MARKS = /\b(docker|podman|nerdctl|crictl|kubectl|helm|git|hg|journalctl)\b/;
const MARK = /\{\{.*?\}\}|\{%.*?%\}|<%.*?%>/;

/** A file that some other program still has to fill in. */
function templateIn(text: string, { lines, broken, ignored }: UnitText): Because | undefined {
  const line = lines.find(({ value, key }) => MARK.test(value) && !(key.startsWith('Exec') && HAS_MARKS.test(value)));
  const places = [line?.at, broken?.at, ...ignored.map(({ at }) => at)];
  const at = places.find((place): place is Position => place !== undefined && MARK.test(place.excerpt)) ?? line?.at;
  if (at === undefined) return undefined;
  const mark = MARK.exec(line?.value ?? at.excerpt)?.[0] ?? MARK.exec(text)?.[0] ?? '';
  return {
    code: 'template',
    because: `it is a template that nobody has filled in: ${mark}`,
    at,
    hint: 'import the file that it is made into',
  };
}

/** What systemd refuses of a whole service (service_verify), in its own words. */
export function whyNotLoaded(all: readonly UnitLine[]): Because | undefined {
  const lines = new Lines(all);
  const type = typeOf(lines);
  const starts = lines.list('Service.ExecStart');
  const says = (name: string, value: RegExp) => value.test(lines.of(name).at(-1)?.value ?? '');
  const no = (because: string, of: UnitLine | undefined, hint: string): Because => ({
    code: 'broken-unit',
    because: `systemd can't load it: ${because}`,
    ...(of === undefined ? {} : { at: of.at }),
    hint,
  });
  const any = all[0];
  if (starts.length === 0) {
    const hint = 'it needs ExecStart=';
    if (lines.list('Service.ExecStop').length === 0 && !says('Unit.SuccessAction', /^(?!none$)./))
      return no('it has no ExecStart=, ExecStop= or SuccessAction=', any, hint);
    if (type !== 'oneshot') return no(`only a service of Type=oneshot can do without ExecStart=`, any, hint);
    if (!says('Service.RemainAfterExit', /^(1|yes|y|true|t|on)$/i) && !says('Unit.SuccessAction', /^(?!none$)./))
      return no('without ExecStart= it needs RemainAfterExit=yes', any, hint);
  }
  if (type !== 'oneshot' && starts.length > 1)
    return no('only a service of Type=oneshot can have several ExecStart=', starts[1], 'leave one, or reset it first');
  const restart = lines.of('Service.Restart').at(-1);
  if (type === 'oneshot' && /^(always|on-success)$/.test(restart?.value ?? ''))
    return no(`Restart=${restart?.value} is not for Type=oneshot`, restart, 'remove it');
  const bus = lines.of('Service.BusName').at(-1)?.value;
  if (type === 'dbus' && !bus) return no('Type=dbus needs BusName=', lines.of('Service.Type').at(-1), 'add BusName=');
  return undefined;
}
