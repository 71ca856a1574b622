/** The names of optional peers go in; the folders where they are installed come out, or an error that says what to install. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Looks for the packages that an adapter needs without loading them, so that a missing one shows where the app is put
 * together and not with its first request.
 *
 * @param caller - who needs them, e.g. `pi()`
 * @param packageNames - all packages that it needs
 * @param version - of all of them, to be installed. @defaultValue whatever npm picks
 * @throws Error with the code `PEER_MISSING`, which names the missing package and the command that installs all of them
 */
export function requirePeers(
  caller: string,
  packageNames: readonly string[],
  version?: string,
): void {
  // Yarn's Plug'n'Play has no folders to look into: there the import itself says what is missing.
  if (process.versions.pnp !== undefined) return;
  const missing = packageNames.find((name) => findPackage(name) === undefined);
  if (missing === undefined) return;
  const suffix = version === undefined ? '' : `@${version}`;
  const wanted = packageNames.map((name) => name + suffix).join(' ');
  const error = new Error(`${caller} needs ${missing}: npm install ${wanted}`);
  throw Object.assign(error, { code: 'PEER_MISSING' });
}

/**
 * The folder of an installed package. Looked for as Node does, but by hand: bundlers put something else in the place of
 * `createRequire(import.meta.url)`, and a package for `import` only cannot be resolved by it.
 *
 * @param from - paths to look from, upwards. @defaultValue this file; in a bundle: the main script's folder and
 * the working directory
 */
export function findPackage(name: string, from: readonly string[] = places()): string | undefined {
  return from
    .flatMap(withAncestors)
    .map((folder) => join(folder, 'node_modules', name))
    .find((folder) => existsSync(folder));
}

function places(): string[] {
  return [ownFile(), process.argv[1], process.cwd()].filter((path) => path !== undefined);
}

/**
 * The file that this code runs in. Asked at run time: for `import.meta.url` webpack writes the path on the machine that built
 * the bundle, and esbuild nothing.
 */
function ownFile(): string | undefined {
  const { prepareStackTrace } = Error;
  try {
    Error.prepareStackTrace = (_error, sites) => sites;
    const [site] = new Error().stack as unknown as NodeJS.CallSite[];
    const name = site?.getFileName();
    return name?.startsWith('file:') ? fileURLToPath(name) : (name ?? undefined);
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
  }
}

function withAncestors(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [path] : [path, ...withAncestors(parent)];
}
