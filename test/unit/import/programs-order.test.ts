import { expect, it } from 'vitest';
import { foundIn, importedIn } from './programs-import.ts';

/** The priority of each program; where none is written it is 999. */
function prioritiesIn(text: string): Readonly<Record<string, unknown>> {
  const section = (name: string, line: string) => `[program:${name}]\ncommand=x\n${line}\n`;
  const programs = text.split('\n').map((line) => line.split(' '));
  const all = programs.map(([name = '', priority = '']) => section(name, priority && `priority=${priority}`));
  const groups = Map.groupBy(
    programs.filter(([, , group]) => group !== undefined),
    ([, , group]) => group ?? '',
  );
  const of = [...groups].map(([group, members]) => {
    const [name, priority] = group.split(':');
    return `[group:${name}]\nprograms=${members.map(([program]) => program).join(',')}\n${priority ? `priority=${priority}\n` : ''}`;
  });
  const found = foundIn(`[supervisord]\n${all.join('')}${of.join('')}`);
  return Object.fromEntries(
    importedIn(found).map(({ name, service }) => {
      const raw = (service.raw as { supervisord?: readonly (readonly unknown[])[] } | undefined)?.supervisord ?? [];
      return [name, raw.find(([, key]) => key === 'priority')?.[2] ?? 999];
    }),
  );
}

it.each([
  ['a 5\nb 10\nc ', { a: 5, b: 10, c: 999 }],
  // As its group, where all in it are alike.
  ['a 5 g:20\nb 5 g:20\nc 10', { a: 20, b: 20, c: 10 }],
  // In the group's place, one after the other.
  ['a 2 g:20\nb 1 g:20\nc 10\nd 30', { a: 21, b: 20, c: 10, d: 30 }],
  // What would come among them comes after.
  ['a 2 g:20\nb 1 g:20\nc 21\nd 22', { a: 21, b: 20, c: 22, d: 23 }],
  ['a 1 g\nb 2 g\nc ', { a: 1000, b: 1001, c: 999 }],
])('%j', (text, priorities) => {
  expect(prioritiesIn(text)).toEqual(priorities);
});
