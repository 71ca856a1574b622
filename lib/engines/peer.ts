/** The names of optional peers go in; nothing comes out when they are installed, else an error that says what to install. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/**
 * Looks for the packages that an adapter needs without loading them, so that a missing one shows where the app is put
 * together and not with its first request.
 *
 * @param caller - who needs them, e.g. `pi()`
 * @param packageNames - all packages that it needs
 * @throws Error with the code `PEER_MISSING`, which names the missing package and the command that installs all of them
 */
export function requirePeers(caller: string, packageNames: readonly string[]): void {
  const missing = packageNames.find((name) => !isInstalled(name));
  if (missing === undefined) return;
  const error = new Error(`${caller} needs ${missing}: npm install ${packageNames.join(' ')}`);
  throw Object.assign(error, { code: 'PEER_MISSING' });
}

function isInstalled(packageName: string): boolean {
  const { resolve } = createRequire(import.meta.url);
  try {
    resolve(packageName);
    return true;
  } catch (error) {
    // A package for `import` only is found and then refused, with another code.
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') return true;
  }
  // A `resolve` that replaces Node's may say so of such a package, too.
  return (resolve.paths(packageName) ?? []).some((path) => existsSync(join(path, packageName)));
}
