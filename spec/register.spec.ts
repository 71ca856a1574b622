/** `./register` in real processes, of the built package; `npm run test:backends` starts it beside the real zero-code packages. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const REGISTER = 'express-agent-envelope/register';
const SDK = './sdk.cjs';

/** Starts the app with these modules before it; each is a flag and what it loads. */
function start(modules: [flag: 'import' | 'require', path: string][], sdk = 'plain') {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [...modules.map(([flag, path]) => `--${flag}=${path}`), 'app.cjs'],
    {
      cwd: fileURLToPath(new URL('register', import.meta.url)),
      env: { PATH: process.env.PATH, SDK: sdk },
      encoding: 'utf8',
    },
  );
  const lines: unknown[] = stdout.split('\n').flatMap((line) => (line ? JSON.parse(line) : []));
  return { lines, stderr, status };
}

const STAMPED = [
  { span: 'inside', id: 'conv-1' },
  { log: 'inside', id: 'conv-1' },
  { span: 'outside' },
  { log: 'outside' },
];
const PROCESSORS = ['SessionSpanProcessor', 'SimpleSpanProcessor'];

describe('--import express-agent-envelope/register', () => {
  it.each<[string, [flag: 'import' | 'require', path: string][]]>([
    [
      'after the SDK',
      [
        ['import', SDK],
        ['import', REGISTER],
      ],
    ],
    [
      'before the SDK',
      [
        ['import', REGISTER],
        ['import', SDK],
      ],
    ],
    [
      'as --require after the SDK',
      [
        ['require', SDK],
        ['require', REGISTER],
      ],
    ],
    [
      'as --require before the SDK',
      [
        ['require', REGISTER],
        ['require', SDK],
      ],
    ],
    [
      'twice, by both flags',
      [
        ['require', REGISTER],
        ['import', SDK],
        ['import', REGISTER],
      ],
    ],
  ])('%s puts the id onto spans and log records, before they are exported', (_title, modules) => {
    expect(start(modules)).toEqual({ lines: [...STAMPED, ...PROCESSORS], stderr: '', status: 0 });
  });

  it('adds no second processor where the SDK was given one', () => {
    const { lines } = start(
      [
        ['import', REGISTER],
        ['import', SDK],
      ],
      'with ours',
    );
    expect(lines).toEqual([...STAMPED, ...PROCESSORS]);
  });

  it.each([['after'], ['before']])(
    'warns once for each provider that it cannot reach, %s it was registered',
    (order) => {
      const modules: [flag: 'import', path: string][] = [
        ['import', SDK],
        ['import', REGISTER],
      ];
      if (order === 'before') modules.reverse();
      const { stderr, status } = start(modules, 'of another kind');
      expect(status).toBe(0);
      expect(stderr.match(/PROVIDER_UNREACHABLE: ForeignProvider .*new \w+\(\)/g)).toEqual([
        expect.stringContaining('new SessionSpanProcessor()'),
        expect.stringContaining('new SessionLogRecordProcessor()'),
      ]);
    },
  );

  it('without an SDK lets the app run as it does', () => {
    expect(start([['import', REGISTER]])).toEqual({ lines: [], stderr: '', status: 0 });
  });
});
