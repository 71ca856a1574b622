/**
 * Imports point one way: vocabulary <- stages <- composers <- index. The pipeline is drawn in CONTRIBUTING.md.
 */
const file = (...names) => `^lib/(${names.join('|')})\\.ts$`;

const VOCABULARY = [
  'json',
  'errors',
  'schema',
  'field',
  'allowlist',
  'configuration',
  'resolve',
  'run',
];
const STAGES = [
  'options',
  'body',
  'envelope',
  'context',
  'span',
  'binding',
  'declaration',
  'accept',
  'handler-io',
  'stream',
  'problem',
];
const COMPOSERS = ['locals', 'reply', 'agent-envelope', 'bind', 'problem-details'];

export default {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'vocabulary-imports-vocabulary-only',
      severity: 'error',
      from: { path: file(...VOCABULARY) },
      to: { path: '^lib/', pathNot: file(...VOCABULARY) },
    },
    {
      name: 'stages-import-no-composer',
      severity: 'error',
      from: { path: file(...STAGES) },
      to: { path: file(...COMPOSERS, 'index') },
    },
    {
      name: 'every-file-has-its-rank',
      severity: 'error',
      from: {},
      to: { path: '^lib/[^/]+$', pathNot: file(...VOCABULARY, ...STAGES, ...COMPOSERS, 'index') },
    },
    {
      name: 'ajv-lives-in-schema',
      severity: 'error',
      from: { path: '^lib/', pathNot: file('schema') },
      to: { path: 'node_modules/ajv' },
    },
    {
      name: 'the-core-knows-no-engine',
      severity: 'error',
      from: { path: '^lib/[^/]+$' },
      to: { path: '^lib/engines/' },
    },
    {
      name: 'no-engine-knows-another',
      severity: 'error',
      from: { path: '^lib/engines/(pi|rivet|remote)' },
      to: { path: '^lib/engines/(pi|rivet|remote|run|conformance)', pathNot: '^lib/engines/$1' },
    },
    {
      name: 'peers-of-an-adapter-stay-in-it',
      severity: 'error',
      from: { path: '^lib/', pathNot: '^lib/engines/(pi|rivet)' },
      to: { path: 'node_modules/(@earendil-works|sandbox-agent|@agentclientprotocol)/' },
    },
    {
      name: 'no-undeclared-packages',
      severity: 'error',
      from: { path: '^lib/' },
      to: {
        path: 'node_modules',
        pathNot:
          'node_modules/(ajv|typebox|express|@types/express|@opentelemetry/api|@earendil-works|sandbox-agent|@agentclientprotocol)/',
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
