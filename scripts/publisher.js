/**
 * `OWNER/NAME` and an author go in, and into package.json: repository, bugs, homepage, author; the repository also into the links
 * of the README, which npm shows outside of it. Without them it fails while a placeholder is left, so that none is published.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const MANIFEST = new URL('../package.json', import.meta.url);
const README = new URL('../README.md', import.meta.url);
const USAGE = `npm run publisher -- OWNER/NAME 'Author <mail>'`;

const manifest = JSON.parse(readFileSync(MANIFEST, 'utf8'));
const readme = readFileSync(README, 'utf8');
const [repository, author] = process.argv.slice(2);
if (repository !== undefined) {
  if (!/^[\w-]+\/[\w.-]+$/.test(repository) || !author?.trim()) fail(`Usage: ${USAGE}`);
  const [, present] = /github\.com\/(.+)\.git$/.exec(manifest.repository.url);
  writeFileSync(README, readme.replaceAll(`/${present}/`, `/${repository}/`));
  const url = `https://github.com/${repository}`;
  Object.assign(manifest, {
    author,
    homepage: `${url}#readme`,
    bugs: `${url}/issues`,
    repository: { type: 'git', url: `git+${url}.git` },
  });
  writeFileSync(MANIFEST, `${JSON.stringify(manifest, null, 2)}\n`);
} else if (`${manifest.author} ${manifest.repository.url} ${readme}`.includes('OWNER')) {
  fail(`package.json and README.md do not say yet who publishes it: ${USAGE}`);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
