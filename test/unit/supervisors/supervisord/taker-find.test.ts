import { expect, it } from 'vitest';
import { programIn } from '../../../../src/supervisors/supervisord/taker-find.ts';
import { readText } from './lay-out.ts';

const TEXT = `[supervisord]
[program:web]
command=x
process_name=front
[program:worker]
command=x
numprocs=2
process_name=w_%(process_num)d
[program:a]
command=x
numprocs=2
process_name=a%(process_num)d
[group:g]
programs=a
`;
const sought = (program: string) => {
  const { said, ...more } = programIn(readText(TEXT), { kind: 'program', program, config: '/etc/s.conf' });
  return [said?.section.name, more];
};

it.each([
  ['web', 'program:web', { groups: ['web'], names: ['front'], isPart: false }],
  ['worker', 'program:worker', { groups: ['worker'], names: ['w_0', 'w_1'], isPart: false }],
  ['g:a', 'program:a', { groups: ['g'], names: ['a0', 'a1'], isPart: false }],
  // One of its processes, as supervisord calls it.
  ['web:front', 'program:web', { groups: ['web'], names: ['front'], isPart: false }],
  ['worker:w_1', 'program:worker', { groups: ['worker'], names: ['w_1'], isPart: true }],
  ['g:a0', 'program:a', { groups: ['g'], names: ['a0'], isPart: true }],
  ['w_1', undefined, { groups: ['w_1'], names: ['w_1'], isPart: false }],
  ['worker:w_9', undefined, { groups: ['worker'], names: ['w_9'], isPart: false }],
])('%s is %s', (program, section, more) => {
  expect(sought(program)).toEqual([section, more]);
});
