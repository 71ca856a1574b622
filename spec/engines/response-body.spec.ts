import { jest } from '@jest/globals';
import {
  parseEventBytes,
  readLines,
  readStart,
  splitLines,
} from '../../lib/engines/response-body.js';

const MAX = 1024 * 1024 * 64;
const bodyOf = (...chunks: (string | Uint8Array)[]) =>
  ReadableStream.from(
    chunks.map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk) : chunk)),
  ) as ReadableStream<Uint8Array>;

async function linesOf(body: ReadableStream<Uint8Array> | null, max = MAX): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of readLines(body, splitLines(max, 'The runner'))) lines.push(line);
  return lines;
}

describe('the lines of a body', () => {
  const euro = Buffer.from('€');
  it.each([
    ['none at all', [], []],
    ['one without an end', ['a'], ['a']],
    ['two in one chunk', ['a\nb\n'], ['a', 'b']],
    ['one in many chunks', ['a', 'b', 'c\n'], ['abc']],
    ['blank ones, which are left out', ['\n\na\n\n', '\n'], ['a']],
    ['a character cut in two', [euro.subarray(0, 1), euro.subarray(1), '\n'], ['€']],
  ])('may be %s', async (_what, chunks, lines) => {
    expect(await linesOf(bodyOf(...chunks))).toEqual(lines);
  });

  it('may be those of no body', async () => {
    expect(await linesOf(null)).toEqual([]);
  });

  it('cost each byte once: a line is put together when it ends, not with each chunk', () => {
    const concat = jest.spyOn(Buffer, 'concat');
    const splitter = splitLines(MAX, 'The runner');
    const chunk = Buffer.alloc(64 * 1024, 'x');
    for (let i = 0; i < 640; i += 1) expect(splitter.push(chunk)).toEqual([]);
    expect(concat).not.toHaveBeenCalled();
    const [line] = splitter.push(Buffer.from('\n'));
    expect(line).toHaveLength(40 * 1024 * 1024);
    expect(concat).toHaveBeenCalledTimes(1);
    concat.mockRestore();
  });

  it('have a greatest length, in bytes, which counts before their end', async () => {
    expect(await linesOf(bodyOf('1234\n', '12', '34\n'), 4)).toEqual(['1234', '1234']);
    const endless = bodyOf('1234\n', '12', '345');
    await expect(linesOf(endless, 4)).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      message: 'The runner sent a line of more than 4 bytes',
    });
  });
});

describe('the start of a body', () => {
  it('is its text, to the bound, and the rest is not read', async () => {
    let pulled = 0;
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 1;
        controller.enqueue(Buffer.from('12345'));
      },
      cancel() {
        cancelled = true;
      },
    });
    expect(await readStart(body, 8)).toBe('12345123');
    expect(cancelled).toBe(true);
    expect(pulled).toBeLessThan(5);
    expect(await readStart(bodyOf('ab'), 8)).toBe('ab');
    expect(await readStart(null, 8)).toBe('');
  });
});

describe('the option maxEventBytes', () => {
  it('is 16 MiB by default', () => {
    expect(parseEventBytes('remote: maxEventBytes', undefined)).toBe(16_777_216);
  });

  it.each([0, -1, 1.5, '10', null, Infinity, 2 ** 30])('must not be %p', (value) => {
    expect(() => parseEventBytes('remote: maxEventBytes', value)).toThrow(
      'remote: maxEventBytes must be a whole number from 1 to 536870888',
    );
  });
});
