/** The name of an optional peer goes in, its module comes out, or else an error that says what to install. */
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
  throw peerMissing(`${caller} needs ${missing}: npm install ${packageNames.join(' ')}`);
}

/**
 * Loads an optional peer.
 *
 * @param load - a dynamic import with the name written out, so that bundlers and type checkers follow it
 * @param packageName - the package that `load` imports
 * @returns the module
 * @throws Error with the code `PEER_MISSING` when that very package is not there; whatever else `load` rejects with passes
 * through, such as a package that is missing further down
 */
export async function importPeer<T>(load: () => Promise<T>, packageName: string): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const { code, message } = Object(error) as { code?: unknown; message?: unknown };
    const absent = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
    // Both Node's and Jest's messages put the package in quotes; a file inside of it has its path there.
    if (!absent || !String(message).includes(`'${packageName}'`)) throw error;
    throw peerMissing(`${packageName} is not installed: npm install ${packageName}`, error);
  }
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
  // Jest says MODULE_NOT_FOUND of such a package, too.
  return (resolve.paths(packageName) ?? []).some((path) => existsSync(join(path, packageName)));
}

function peerMissing(message: string, cause?: unknown): Error {
  const error = cause === undefined ? new Error(message) : new Error(message, { cause });
  return Object.assign(error, { code: 'PEER_MISSING' });
}
