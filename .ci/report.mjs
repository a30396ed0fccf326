// What came of the tests: `report.mjs failed FIRST.json` prints the files of which something failed, `report.mjs FIRST.json
// [SECOND.json]` what ran, where the second is of those files, run once more and alone. Exits with 1 where that is no pass.
import { readFileSync } from 'node:fs';

/** So many files may fail beside others and pass alone; more is no accident. */
const ACCIDENTS = 3;

const read = (path) =>
  JSON.parse(readFileSync(path, 'utf8')).testResults.map(({ name, assertionResults, status, message }) => {
    const tests = Object.groupBy(assertionResults, (test) =>
      /^(passed|failed)$/.test(test.status) ? test.status : 'skipped',
    );
    const { passed = [], failed = [], skipped = [] } = tests;
    return { file: name.replace(`${process.cwd()}/`, ''), passed, failed, skipped, bad: status === 'failed', message };
  });

/** What a person wants to know of a failure: not where in the test runner it came by. */
const briefly = (text = '') =>
  text
    .split('\n')
    .filter((line) => !line.includes('/node_modules/'))
    .slice(0, 4)
    .join('\n    ');

const [first, ...more] = process.argv.slice(2);
if (first === 'failed') {
  for (const { file, bad } of read(more[0])) if (bad) console.log(file);
} else {
  const second = new Map(more.flatMap(read).map((result) => [result.file, result]));
  const before = read(first);
  const results = before.map((result) => second.get(result.file) ?? result);
  const all = (kind) => results.flatMap((result) => result[kind].map((test) => `${result.file}: ${test.fullName}`));
  for (const { file, passed, failed, skipped } of results)
    console.log(`${file}: ${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped`);
  for (const name of all('skipped')) console.log(`skipped: ${name}`);
  const accidents = before.filter(({ file, bad }) => bad && second.get(file)?.bad === false);
  for (const { file, failed, message } of accidents) {
    if (failed.length === 0) console.log(`passed only alone: ${file}: ${briefly(message)}`);
    for (const test of failed)
      console.log(`passed only alone: ${file}: ${test.fullName}: ${briefly(test.failureMessages[0])}`);
  }
  const system = results.filter(({ file, passed }) => file.startsWith('test/system/') && passed.length > 0);
  if (system.length === 0) console.log('no system test ran');
  const [passed, failed, skipped] = ['passed', 'failed', 'skipped'].map((kind) => all(kind).length);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped; ${accidents.length} files passed only alone`);
  const bad =
    results.some((result) => result.bad) || skipped > 0 || system.length === 0 || accidents.length > ACCIDENTS;
  process.exit(bad ? 1 : 0);
}
