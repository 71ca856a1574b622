/** The cases about messages with parts: a part is taken, or refused by its place; never is it left out. */
import assert from 'node:assert/strict';
import { EnvelopeError } from '../../shared/errors.js';
import type { AgentMessage, MessagePart } from '../../shared/messages.js';
import { run } from '../run.js';
import type { ConformanceCase, ConformanceSubject } from './subject.js';

const text = (content: string) => ({ type: 'text' as const, text: content });

/** A PNG of one pixel. */
const data =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const MEDIA: readonly (readonly [what: string, part: MessagePart])[] = [
  ['an image', { type: 'image', media_type: 'image/png', data }],
  ['an image by its URL', { type: 'image', media_type: 'image/png', url: 'https://h/a.png' }],
  ['a file', { type: 'file', media_type: 'text/plain', data: 'SGVsbG8=' }],
];
const TOOLS: readonly MessagePart[] = [
  text('Let me see.'),
  { type: 'tool.call', id: 'call-1', name: 'lookup', arguments: { key: 'a' } },
  { type: 'tool.result', id: 'call-1', output: { found: 1 }, is_error: false },
  text('There is one.'),
];

export function partCases(subject: ConformanceSubject): ConformanceCase[] {
  const { engine } = subject;
  return [
    {
      name: 'takes text in parts',
      async test() {
        const content = [text('Hello.'), text('second-part')];
        const { output } = await run(engine(), { messages: [{ role: 'user', content }] }).result;
        assert.notEqual(output, '');
        if (subject.quotes) assert.match(output, /second-part/);
      },
    },
    ...MEDIA.map(([what, part]) => ({
      name: `takes ${what}, or refuses it by its place`,
      test: () =>
        assertTaken(subject, [{ role: 'user', content: [text('What is this?'), part] }], 0),
    })),
    {
      name: 'takes the tool calls of earlier turns, or refuses them by their place',
      test: () =>
        assertTaken(
          subject,
          [
            { role: 'user', content: 'How many?' },
            { role: 'assistant', content: TOOLS },
            { role: 'user', content: 'Are you sure?' },
          ],
          1,
        ),
    },
    {
      name: 'takes the decision about a tool call, or refuses it by its place',
      test: () =>
        assertTaken(
          subject,
          [
            { role: 'user', content: 'Remove it.' },
            { role: 'assistant', content: TOOLS.slice(0, 2) },
            {
              role: 'user',
              content: [text('No.'), { type: 'tool.approval', id: 'call-1', approved: false }],
            },
          ],
          // What takes no calls refuses the call before it.
          1,
        ),
    },
  ];
}

/** @param i - the first message with a part in question, which is the second one of it; those after it may have one, too */
async function assertTaken(
  { engine }: ConformanceSubject,
  messages: readonly AgentMessage[],
  i: number,
): Promise<void> {
  try {
    const { output } = await run(engine(), { messages }).result;
    assert.notEqual(output, '');
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    assert.ok(error instanceof EnvelopeError, `it failed by ${error}`);
    assert.equal(error.code, 'INVALID_INPUT', error.message);
    const places = messages.slice(i).map((_, j) => `/messages/${i + j}/content/1`);
    const pointer = error.errors[0]?.pointer ?? '';
    assert.ok(
      places.includes(pointer),
      `it is refused by ${pointer}, not by ${places.join(' or ')}`,
    );
  }
}
