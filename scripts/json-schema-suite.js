/**
 * Runs the public JSON Schema Test Suite through bind()'s own compiler, for draft-07, 2019-09 and 2020-12: what is accepted,
 * what is refused when it is declared, and whether each value is judged as the suite says.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const CACHE = join(HERE, '..', '.cache', 'json-schema-suite');
// The npm registry has no copy with the drafts of today; Debian packages one.
const PACKAGE = 'libtest-json-schema-acceptance-perl';
const UNPACKED = 'usr/share/perl5/auto/share/dist/Test-JSON-Schema-Acceptance';
const DRAFTS = {
  draft7: 'http://json-schema.org/draft-07/schema#',
  'draft2019-09': 'https://json-schema.org/draft/2019-09/schema',
  'draft2020-12': 'https://json-schema.org/draft/2020-12/schema',
};
/**
 * What does not pass: by its reason in words, its outcome (a refusal's message matches `message`) and its draft, each refused group, and
 * each wrongly judged test of a failed one.
 */
const KNOWN = JSON.parse(readFileSync(join(HERE, 'json-schema-suite.json'), 'utf8'));

const { agentEnvelope, bind, problemDetails } = await import('../dist/index.mjs');
const { default: express } = await import('express');

/** The suite's `tests` folder: `JSON_SCHEMA_TEST_SUITE`, or Debian's package, unpacked into .cache. */
function suite() {
  if (process.env.JSON_SCHEMA_TEST_SUITE) return join(process.env.JSON_SCHEMA_TEST_SUITE, 'tests');
  const folder = join(CACHE, UNPACKED, 'tests');
  if (!existsSync(folder)) {
    mkdirSync(CACHE, { recursive: true });
    try {
      execFileSync('apt-get', ['download', PACKAGE], { cwd: CACHE, stdio: 'ignore' });
    } catch {
      console.error(`test:json-schema takes the suite from Debian's ${PACKAGE}. Elsewhere:
git clone https://github.com/json-schema-org/JSON-Schema-Test-Suite
JSON_SCHEMA_TEST_SUITE=JSON-Schema-Test-Suite npm run test:json-schema`);
      process.exit(1);
    }
    const file = readdirSync(CACHE).find((name) => name.endsWith('.deb'));
    execFileSync('dpkg-deb', ['-x', file, '.'], { cwd: CACHE });
  }
  return folder;
}

/** Each group of each file, the optional ones too: `draft7/optional/format/date.json`. */
function groupsOf(tests, draft, folder = draft) {
  return readdirSync(join(tests, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return groupsOf(tests, draft, name);
    return JSON.parse(readFileSync(join(tests, name), 'utf8')).map((group) => ({
      ...group,
      name: `${name.slice(draft.length + 1, -5)}: ${group.description}`,
      draft,
    }));
  });
}

/** A route with the schema for its outputs, which may be any JSON; or the error of declaring it. */
function declare(app, { schema, draft }, i, output) {
  const isObject = typeof schema === 'object';
  const outputs = isObject ? { $schema: DRAFTS[draft], ...schema } : schema;
  try {
    app.post(
      `/${i}`,
      bind({ outputs }, () => output.value),
    );
    return undefined;
  } catch (error) {
    return error.message;
  }
}

/** The tests that are not judged as the suite says. */
async function judge(url, { tests }, output) {
  const wrong = [];
  for (const { data, valid, description } of tests) {
    output.value = data;
    const reply = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"inputs":{}}',
    });
    const { code } = await reply.json();
    const fits = reply.status === 200 || (code === 'INVALID_OUTPUT' ? false : undefined);
    if (fits !== valid) wrong.push(description);
  }
  return wrong;
}

const output = { value: undefined };
const app = express();
app.use(agentEnvelope());
const groups = Object.keys(DRAFTS).flatMap((draft) => groupsOf(suite(), draft));
const refusals = groups.map((group, i) => declare(app, group, i, output));
app.use(problemDetails({ onError: () => undefined }));
const server = app.listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${server.address().port}`;

const counts = { refused: 0, passed: 0, failed: 0 };
let tests = 0;
/** Each outcome that is not a pass, as the list of known ones writes it, with the reason of a refusal. */
const found = new Map();
for (const [i, group] of groups.entries()) {
  const reason = refusals[i];
  const wrong = reason === undefined ? await judge(`${url}/${i}`, group, output) : [];
  if (reason === undefined) tests += group.tests.length;
  const failed = wrong.length > 0 ? 'failed' : 'passed';
  counts[reason === undefined ? failed : 'refused'] += 1;
  if (reason !== undefined) found.set(`refused ${group.draft} ${group.name}`, reason);
  for (const test of wrong) found.set(`failed ${group.draft} ${group.name}: ${test}`, '');
}
server.close();
server.closeAllConnections();

const deviations = [];
const known = new Set();
for (const { outcome, message = '', ...drafts } of KNOWN) {
  for (const draft of Object.keys(DRAFTS)) {
    for (const name of drafts[draft] ?? []) {
      const entry = `${outcome} ${draft} ${name}`;
      known.add(entry);
      if (!found.has(entry)) deviations.push(`no longer so: ${entry}`);
      else if (!new RegExp(message).test(found.get(entry)))
        deviations.push(`for another reason: ${entry}: ${found.get(entry)}`);
    }
  }
}
for (const [entry, reason] of found)
  if (!known.has(entry)) deviations.push(`not known: ${entry} ${reason}`);
for (const deviation of deviations) console.log(deviation);

const failedTests = [...found.keys()].filter((entry) => entry.startsWith('failed')).length;
console.log(
  `${groups.length} groups: ${counts.refused} refused, ${counts.passed} passed, ${counts.failed} failed; ` +
    `${tests - failedTests} tests passed, ${failedTests} failed`,
);
console.log(`${known.size} known outcomes, ${deviations.length} deviations`);
process.exitCode = deviations.length > 0 ? 1 : 0;
