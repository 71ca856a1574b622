import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { check } from './survival/check.js';

const run = promisify(execFile);

/** One combination of many: `npm run test:matrix` runs this against every release line of the instrumentation. */
describe('in a real process with the real HTTP and Express instrumentation', () => {
  it('the session reaches every place of every request, and every span', async () => {
    const app = fileURLToPath(new URL('survival/app.cjs', import.meta.url));
    const root = fileURLToPath(new URL('..', import.meta.url));
    const { stdout } = await run(process.execPath, [app], { cwd: root });
    expect(check(JSON.parse(stdout))).toEqual([]);
  });
});

describe('the check of that process', () => {
  it('finds fault with an id that got lost, a place not reached and a span without a stamp', () => {
    const observations = [{ place: 'timer', expected: 's-1', seen: null }];
    const replies = [{ path: '/plain', header: null }];
    const attributes = { 'gen_ai.conversation.id': 's-1' };
    const spans = [
      { name: 'POST', server: true, trace: 't', attributes: {} },
      { name: 'SELECT', server: false, trace: 't', attributes },
    ];
    const faults = check({ observations, replies, spans }).join('\n');
    expect(faults).toContain('plain handler was reached 0 times');
    expect(faults).toContain('timer: getSessionId() is null, not s-1');
    expect(faults).toContain('timer: session.id of its span is undefined');
    expect(faults).toContain('/plain: the reply has no x-session-id');
    expect(faults).toContain('server span POST: session.id is undefined');
    expect(faults).toContain('SELECT has gen_ai.conversation.id, and is no span of AI');
  });
});
