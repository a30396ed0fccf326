// Builds dist/: the bundled, minified command line and its launcher, and fills the compile cache that makes it start fast.
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { build } from 'esbuild';

const root = new URL('.', import.meta.url).pathname;
const next = `${root}dist.next`;
const out = `${root}dist`;
rmSync(next, { recursive: true, force: true });
mkdirSync(next, { recursive: true });
await build({
  entryPoints: [`${root}src/cli.ts`],
  outdir: next,
  bundle: true,
  splitting: true,
  minify: true,
  keepNames: false,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  sourcemap: false,
  legalComments: 'none',
  chunkNames: 'chunks/[hash]',
  logLevel: 'warning',
  // CommonJS dependencies ask for built-in modules with require().
  banner: {
    js: "import{createRequire as __reconciledCreateRequire}from'node:module';const require=__reconciledCreateRequire(import.meta.url);",
  },
});
copyFileSync(`${root}src/launcher.sh`, `${next}/reconcile`);
chmodSync(`${next}/reconcile`, 0o755);
// A running daemon may still load from the old folder: it is moved aside whole, never written into.
if (existsSync(out)) renameSync(out, `${root}dist.old`);
renameSync(next, out);
rmSync(`${root}dist.old`, { recursive: true, force: true });
for (const args of [['--version'], ['validate'], ['status'], ['--dry-run']]) {
  try {
    execFileSync(
      `${out}/reconcile`,
      [...args, '--runtime-dir', `${out}/none`, '--desired-state', `${root}desired-state`],
      { stdio: 'ignore' },
    );
  } catch {
    // Only the compile cache is wanted.
  }
}
