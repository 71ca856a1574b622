#!/usr/bin/env node
/**
 * A scripted agent that speaks ACP: prompts come in on stdin, answers go out on stdout. It quotes the last message, and does
 * what the words with a slash in it say: /tool, /ask, /ask-limited, /slow, /deaf, /silent, /late,
 * /crash, /error, /refuse, /prompt, /partial, /command, /long, /lines, /untold, /empty, /think, /snapshots, /banner, /denied-mute,
 * /denied-done, /images.
 *
 * From the environment: `ACP_AGENT_LOG` names a file for one JSON line of each thing that happens, `ACP_AGENT_NEW` (`exit`,
 * `error`, `hang`) says how it fails to open a session, `ACP_AGENT_BANNER` is a greeting that it sends first, `ACP_AGENT_STUBBORN`
 * makes it ignore the end of stdin and SIGTERM.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import {
  AgentSideConnection,
  ndJsonStream,
  PROTOCOL_VERSION,
  RequestError,
} from '@agentclientprotocol/sdk';

const { ACP_AGENT_LOG, ACP_AGENT_NEW, ACP_AGENT_STUBBORN, ACP_AGENT_IMAGES, ACP_AGENT_BANNER } =
  process.env;
const BANNER = ACP_AGENT_BANNER ?? 'Pi 0.74\n---\n/home/private/.pi/AGENTS.md\n';
const MODELS = ['scripted-1', 'scripted-2', 'elsewhere'];
const TICKS = 400;

const log = (what, more) => {
  if (ACP_AGENT_LOG) {
    appendFileSync(ACP_AGENT_LOG, `${JSON.stringify({ pid: process.pid, what, ...more })}\n`);
  }
};
const newId = () => `agent-${process.pid}-${randomUUID().slice(0, 8)}`;
const option = (kind, optionId) => ({ kind, optionId, name: kind });
const modelOption = (currentValue) => ({
  id: 'model',
  name: 'Model',
  category: 'model',
  type: 'select',
  currentValue,
  options: MODELS.map((value) => ({ value, name: value })),
});

class ScriptedAgent {
  #connection;
  #turns = new Map();
  #hasGreeted = false;

  constructor(connection) {
    this.#connection = connection;
  }

  async initialize() {
    const promptCapabilities = { image: ACP_AGENT_IMAGES === '1' };
    const agentCapabilities = { loadSession: false, promptCapabilities };
    return { protocolVersion: PROTOCOL_VERSION, agentCapabilities };
  }

  async authenticate() {
    return {};
  }

  async newSession(params) {
    log('newSession', params);
    if (ACP_AGENT_NEW === 'exit') process.exit(9);
    if (ACP_AGENT_NEW === 'error') throw new RequestError(-32603, 'no session for you');
    if (ACP_AGENT_NEW === 'hang') await new Promise(() => {});
    const _meta = { piAcp: { startupInfo: BANNER } };
    return { sessionId: newId(), configOptions: [modelOption(MODELS[0])], _meta };
  }

  async setSessionConfigOption({ sessionId, value }) {
    await this.#greet(sessionId);
    // With the id of another session in its answer, the SDK takes the first one for lost.
    const lost = value === 'elsewhere' && { sessionId: newId() };
    return { configOptions: [modelOption(value)], ...lost };
  }

  async cancel({ sessionId }) {
    log('cancel', { sessionId });
    this.#turns.get(sessionId)?.abort();
  }

  /** Once, before its first answer; it shall have arrived by then. */
  async #greet(sessionId) {
    if (!ACP_AGENT_BANNER || this.#hasGreeted) return;
    this.#hasGreeted = true;
    await this.#say(sessionId, BANNER);
    await delay(100);
  }

  async prompt({ sessionId, prompt }) {
    await this.#greet(sessionId);
    log('prompt', { sessionId, prompt });
    const turn = new AbortController();
    this.#turns.set(sessionId, turn);
    try {
      return await this.#answer(sessionId, prompt.at(-1).text, turn.signal);
    } catch (error) {
      if (turn.signal.aborted) return { stopReason: 'cancelled' };
      throw error;
    } finally {
      this.#turns.delete(sessionId);
    }
  }

  #say(sessionId, text) {
    const update = { sessionUpdate: 'agent_message_chunk', content: { type: 'text', text } };
    return this.#connection.sessionUpdate({ sessionId, update });
  }

  async #answer(sessionId, text, signal) {
    const question = text.split('Answer this message:\n\n').at(-1);
    const told = (command) => question.split(/\s+/).includes(command);
    const update = (news) => this.#connection.sessionUpdate({ sessionId, update: news });
    const say = (words) => this.#say(sessionId, words);
    const tool = (toolCallId, news, sessionUpdate = 'tool_call_update') =>
      update({ sessionUpdate, toolCallId, ...news });

    if (told('/error')) throw new RequestError(-32603, 'the model exploded');
    if (told('/refuse')) return { stopReason: 'refusal' };
    if (told('/empty')) return { stopReason: 'end_turn' };
    if (told('/banner')) await say(BANNER);
    if (told('/snapshots')) return this.#snapshots(say, tool);
    if (told('/think')) {
      const content = { type: 'text', text: 'Hm.' };
      await update({ sessionUpdate: 'agent_thought_chunk', content });
      if (told('/only')) return { stopReason: 'end_turn' };
    }
    if (told('/silent')) await delay(TICKS * 50, undefined, { signal });
    if (told('/late')) await delay(3300, undefined, { signal });
    await say('You said: ');
    if (told('/crash')) {
      await delay(30);
      process.exit(7);
    }
    if (told('/slow') || told('/deaf')) {
      for (let tick = 0; tick < TICKS; tick += 1) {
        await delay(50, undefined, told('/deaf') ? {} : { signal });
        await say(`tick ${tick} `);
      }
    }
    if (told('/long')) await say('x'.repeat(3000));
    if (told('/lines')) for (const words of ['one', '\n', 'two ']) await say(words);
    if (told('/partial')) await this.#partial(tool, say);
    if (told('/command')) await this.#command(tool);
    if (told('/tool')) {
      // As real agents do: announced first, what it is about afterwards.
      await tool('call-1', { title: 'add', status: 'pending', rawInput: {} }, 'tool_call');
      await tool('call-1', { rawInput: { a: 2, b: 3 } });
      await tool('call-1', { status: 'in_progress' });
      await tool('call-1', { status: 'completed', rawOutput: { sum: 5 } });
      const content = [{ type: 'content', content: { type: 'text', text: 'no such file' } }];
      const read = { title: 'Read private.txt', kind: 'read', status: 'failed', content };
      await tool('call-2', read, 'tool_call');
    }
    if (told('/ask') || told('/ask-limited')) await this.#ask(sessionId, tool, told, say);
    await say(told('/prompt') ? text : question);
    return {
      stopReason: 'end_turn',
      usage: { inputTokens: 10, outputTokens: 5, totalTokens: 15 },
    };
  }

  /** As pi-acp does: arguments as they grow, while the call is pending. */
  async #partial(tool, say) {
    const pending = { title: 'edit', kind: 'edit', status: 'pending', rawInput: { path: '' } };
    await tool('call-4', pending, 'tool_call');
    await say('Wait. ');
    await tool('call-4', { status: 'pending', rawInput: { path: 'a.txt', text: 'h' } });
    await tool('call-4', { status: 'in_progress', rawInput: { path: 'a.txt', text: 'hi' } });
    await tool('call-4', { status: 'completed', rawOutput: 'written' });
    await tool('call-5', { ...pending, rawInput: { path: 'b.txt' } }, 'tool_call');
  }

  /** As pi-acp does where a program runs: no arguments, and what it prints is beside ACP. */
  async #command(tool) {
    const printed = (data) => ({ _meta: { terminal_output: { terminal_id: 'call-7', data } } });
    const content = [{ type: 'terminal', terminalId: 'call-7' }];
    const pending = { kind: 'execute', status: 'pending', content };
    await tool('call-7', { title: 'bash', ...pending }, 'tool_call');
    await tool('call-7', { title: 'echo hi', status: 'pending' });
    await tool('call-7', { title: 'echo hi there', status: 'in_progress' });
    await tool('call-7', { status: 'in_progress', ...printed('hi ') });
    await tool('call-7', { status: 'completed', ...printed('there\n') });
  }

  async #snapshots(say, tool) {
    for (const text of ['Let', 'Let me', 'Let me', 'Let me see.']) await say(text);
    const looked = { title: 'look', status: 'completed', rawOutput: 1 };
    await tool('call-6', looked, 'tool_call');
    for (const text of ['Yes', 'Yes, there', 'Yes, there it is.']) await say(text);
    return { stopReason: 'end_turn' };
  }

  async #ask(sessionId, tool, told, say) {
    const write = {
      title: 'Write x',
      kind: 'edit',
      status: 'pending',
      ...(!told('/untold') && { rawInput: { path: 'x' } }),
    };
    await tool('call-3', write, 'tool_call');
    const all = [
      option('allow_once', 'yes'),
      option('allow_always', 'always'),
      option('reject_once', 'no'),
    ];
    const { outcome } = await this.#connection.requestPermission({
      sessionId,
      toolCall: { toolCallId: 'call-3', ...write },
      options: told('/ask') ? all : all.slice(0, 1),
    });
    log('permission', { outcome });
    if (told('/denied-mute')) return;
    const allowed =
      told('/denied-done') || (outcome.outcome === 'selected' && outcome.optionId !== 'no');
    await tool('call-3', { status: allowed ? 'completed' : 'failed', rawOutput: outcome });
    await say(`[${outcome.optionId ?? outcome.outcome}] `);
  }
}

if (ACP_AGENT_STUBBORN) {
  process.on('SIGTERM', () => log('SIGTERM'));
  setInterval(() => {}, 1000);
  log('child', { child: spawn('sleep', ['300'], { stdio: 'ignore' }).pid });
} else {
  process.stdin.on('end', () => process.exit(0));
}
log('start', { cwd: process.cwd(), argv: process.argv });
new AgentSideConnection(
  (connection) => new ScriptedAgent(connection),
  ndJsonStream(Writable.toWeb(process.stdout), Readable.toWeb(process.stdin)),
);
