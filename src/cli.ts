// Contract of this file: nothing is imported statically, so that a version that is too old gets words instead of a syntax
// error, and all that follows comes from the compile cache. The cache lives beside the code:
// one in a shared temporary folder could be planted by another user.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 22)) {
  process.stderr.write(
    `cannot run: Node ${process.versions.node} is too old\n  reconcile needs Node 22.22 or later; \`npm ci\` in its folder installs its own\n`,
  );
  process.exitCode = 1;
} else {
  if (import.meta.url.endsWith('.js'))
    process.getBuiltinModule('node:module').enableCompileCache(new URL('compile-cache', import.meta.url).pathname);
  const { main } = await import('./cli/main.ts');
  process.exitCode = await main(process.argv);
}
