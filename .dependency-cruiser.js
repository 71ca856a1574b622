/**
 * Imports point one way: shared <- request <- session <- reply <- the middlewares, and engines stand beside the reply on
 * shared, request and session; protocols on all of the rooms. A path says a file's rank; no file is named here but the homes of single packages.
 */
const ROOMS = ['shared', 'request', 'session', 'reply'];
const room = (...names) => `^lib/(${names.join('|')})/`;
const MIDDLEWARES = '^lib/[^/]+\\.ts$';
const ADAPTER = '^lib/engines/([^/]+)/';
const PROTOCOL = '^lib/protocols/([^/]+)/';

/** A room knows itself and the rooms before it in the pipeline. */
const onlyEarlierRooms = ROOMS.map((name, i) => ({
  name: `${name}-knows-what-comes-before-it`,
  severity: 'error',
  from: { path: room(name) },
  to: { path: '^lib/', pathNot: room(...ROOMS.slice(0, i + 1)) },
}));

export default {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    ...onlyEarlierRooms,
    {
      name: 'the-middlewares-know-no-engine',
      severity: 'error',
      from: { path: MIDDLEWARES },
      to: { path: '^lib/', pathNot: [room(...ROOMS), MIDDLEWARES] },
    },
    {
      name: 'engines-know-neither-replies-nor-middlewares',
      severity: 'error',
      from: { path: '^lib/engines/', pathNot: room('engines/queue') },
      to: { path: '^lib/', pathNot: [room('shared', 'request', 'session'), '^lib/engines/'] },
    },
    {
      // It answers requests, too: for the runs that it keeps.
      name: 'the-queue-knows-replies-and-no-middleware',
      severity: 'error',
      from: { path: room('engines/queue') },
      to: { path: MIDDLEWARES },
    },
    {
      name: 'an-adapter-knows-no-other-adapter',
      severity: 'error',
      from: { path: ADAPTER, pathNot: room('engines/conformance') },
      to: { path: ADAPTER, pathNot: '^lib/engines/$1/' },
    },
    {
      name: 'what-adapters-share-knows-no-adapter',
      severity: 'error',
      from: { path: '^lib/engines/[^/]+\\.ts$' },
      to: { path: ADAPTER },
    },
    {
      name: 'protocols-know-neither-engines-nor-middlewares',
      severity: 'error',
      from: { path: '^lib/protocols/' },
      to: { path: '^lib/', pathNot: room(...ROOMS, 'protocols') },
    },
    {
      name: 'a-protocol-knows-no-other-protocol',
      severity: 'error',
      from: { path: PROTOCOL },
      to: { path: PROTOCOL, pathNot: '^lib/protocols/$1/' },
    },
    {
      name: 'what-protocols-share-knows-no-protocol',
      severity: 'error',
      from: { path: '^lib/protocols/[^/]+\\.ts$' },
      to: { path: PROTOCOL },
    },
    {
      name: 'every-folder-has-its-rank',
      severity: 'error',
      from: {},
      to: { path: '^lib/', pathNot: [room(...ROOMS, 'engines', 'protocols'), MIDDLEWARES] },
    },
    {
      name: 'ajv-lives-in-schema',
      severity: 'error',
      from: { path: '^lib/', pathNot: '^lib/shared/(schema\\.ts|drafts\\.cjs)$' },
      to: { path: ['node_modules/ajv', '^lib/shared/drafts\\.cjs$'] },
    },
    {
      name: 'peers-of-an-adapter-stay-in-it',
      severity: 'error',
      from: { path: '^lib/', pathNot: room('engines/pi', 'engines/rivet', 'engines/ai-sdk') },
      to: { path: 'node_modules/(@earendil-works|sandbox-agent|@agentclientprotocol|ai)/' },
    },
    {
      name: 'peers-of-the-queue-stay-in-it',
      severity: 'error',
      from: { path: '^lib/', pathNot: room('engines/queue') },
      to: { path: 'node_modules/(bullmq|ioredis)/' },
    },
    {
      name: 'no-undeclared-packages',
      severity: 'error',
      from: { path: '^lib/' },
      to: {
        path: 'node_modules',
        pathNot:
          'node_modules/(ajv|ajv-formats|body-parser|@types/body-parser|@standard-schema|negotiator|@types/negotiator|express|@types/express|@opentelemetry/api|@earendil-works|sandbox-agent|@agentclientprotocol|ai|bullmq|ioredis)/',
      },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'default', 'types'],
    },
  },
};
