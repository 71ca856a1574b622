/** What the chat view takes from npm becomes one file for the browser, made once for each set of versions. Its path comes out. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ENTRY = new URL('chat-packages.js', import.meta.url);
const LOCK = new URL('../package-lock.json', import.meta.url);
const CACHE = new URL('../node_modules/.cache/express-agent-envelope-demo/', import.meta.url);

export async function bundle() {
  const key = createHash('sha256');
  for (const source of [ENTRY, LOCK, new URL(import.meta.url)]) key.update(readFileSync(source));
  const folder = new URL(`chat-${key.digest('hex').slice(0, 16)}/`, CACHE);
  if (!existsSync(folder)) await make(folder);
  return fileURLToPath(new URL('packages.js', folder));
}

/** Under another name until it is whole: what was broken off is none. */
async function make(folder) {
  const { build } = await import('tsdown');
  const making = new URL(`${folder.href.slice(0, -1)}.${process.pid}/`);
  await build({
    config: false,
    entry: { packages: fileURLToPath(ENTRY) },
    outDir: fileURLToPath(making),
    platform: 'browser',
    noExternal: [/./],
    define: { 'process.env.NODE_ENV': '"production"' },
    minify: true,
    dts: false,
    logLevel: 'error',
  });
  if (existsSync(folder)) rmSync(making, { recursive: true });
  else renameSync(making, folder);
}
