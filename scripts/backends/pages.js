/** A recipe goes in; the install lines that lead a reader to it come out: of README, of the tracing it stands on, of its page. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const read = (path) =>
  readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8');
const PAGES = ['docs/backends', 'docs/libraries'].flatMap((folder) =>
  readdirSync(new URL(`../../${folder}`, import.meta.url)).map((name) => read(`${folder}/${name}`)),
);

/** The packages of each line. */
export function installLines({ shown, args, also = [] }) {
  const page = PAGES.find((text) => text.includes(shown)).split(shown)[0];
  const tracing = args.includes('./tracing.mjs') ? read('docs/tracing.md') : '';
  return [
    ...linesOf(read('README.md')).slice(0, 1),
    ...linesOf(tracing.split('## NodeTracerProvider').at(-1)).slice(0, 1),
    ...linesOf(page),
    ...also,
  ];
}

const linesOf = (text) =>
  [...text.replaceAll('\\\n', ' ').matchAll(/^(?:\$ )?npm install (.+)$/gm)].map(([, names]) =>
    names.split(/ +/),
  );
