import { CallResults } from '../../lib/shared/call-results.js';

/** `c` is a call, `r` a result of the same id, `|` the next message; gives the number of the result of each call. */
function pair(conversation: string): (number | undefined)[] {
  const results = new CallResults<object, number>();
  const calls: object[] = [];
  let message = {};
  let count = 0;
  for (const step of conversation) {
    if (step === '|') message = {};
    if (step === 'r') results.result('id', count++);
    if (step !== 'c') continue;
    calls.push({});
    results.call('id', calls.at(-1) as object, message);
  }
  return calls.map((call) => results.of(call));
}

describe('the result of a call', () => {
  it.each<[what: string, conversation: string, results: (number | undefined)[]]>([
    ['is the one after it', 'cr', [0]],
    ['is of the first that waits in the message', 'ccrr', [0, 1]],
    ['is of the call before it, one by one', 'crcr', [0, 1]],
    ['is that of its own message, where each has one', 'cr|cr', [0, 1]],
    ['may stand in a later message', 'c|r|c|r', [0, 1]],
    ['is not that of a later call, where it was cut off', 'c|cr', [undefined, 0]],
    ['is not a second one', 'crr', [0]],
    ['is none before it', 'rc', [undefined]],
  ])('%s', (_what, conversation, results) => {
    expect(pair(conversation)).toEqual(results);
  });
});
