import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
// @ts-expect-error a build script without types
import { generate } from '../../../generate.mjs';

const ROOT = new URL('../../../', import.meta.url);
const FOLDER = 'src/desired/generated/';

test('what is generated from the schemas is not stale', async () => {
  const files = (await generate()) as Record<string, string>;
  const inFolder = Object.keys(files).filter((name) => name.startsWith(FOLDER));
  expect(readdirSync(new URL(FOLDER, ROOT)).map((name) => FOLDER + name)).toEqual(inFolder.sort());
  for (const [name, text] of Object.entries(files)) {
    expect(readFileSync(new URL(name, ROOT), 'utf8') === text, `${name}: run \`npm run generate\``).toBe(true);
  }
});
