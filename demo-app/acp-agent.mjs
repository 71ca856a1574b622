#!/usr/bin/env node
/** A scripted agent that speaks ACP: prompts come in on stdin, an answer goes out on stdout, word by word. */
import { randomUUID } from 'node:crypto';
import { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { AgentSideConnection, ndJsonStream, PROTOCOL_VERSION } from '@agentclientprotocol/sdk';

const WORD_MS = 45;

class ScriptedAgent {
  #connection;
  #turns = new Map();

  constructor(connection) {
    this.#connection = connection;
  }

  async initialize() {
    return { protocolVersion: PROTOCOL_VERSION, agentCapabilities: { loadSession: false } };
  }

  async authenticate() {
    return {};
  }

  async newSession() {
    return { sessionId: `agent-${randomUUID()}` };
  }

  async cancel({ sessionId }) {
    this.#turns.get(sessionId)?.abort();
  }

  async prompt({ sessionId, prompt }) {
    const turn = new AbortController();
    this.#turns.set(sessionId, turn);
    try {
      // The earlier turns, where there are any, stand before the message to answer.
      const question = prompt.at(-1).text.split('\n\n').at(-1);
      await this.#answer(sessionId, question, turn.signal);
      return {
        stopReason: 'end_turn',
        usage: { inputTokens: 40, outputTokens: 20, totalTokens: 60 },
      };
    } catch (error) {
      if (turn.signal.aborted) return { stopReason: 'cancelled' };
      throw error;
    } finally {
      this.#turns.delete(sessionId);
    }
  }

  async #answer(sessionId, question, signal) {
    const update = (news) => this.#connection.sessionUpdate({ sessionId, update: news });
    const say = async (text) => {
      for (const word of text.match(/\S+\s*/g)) {
        await delay(WORD_MS, undefined, { signal });
        await update({
          sessionUpdate: 'agent_message_chunk',
          content: { type: 'text', text: word },
        });
      }
    };
    if (!/\btime\b/i.test(question)) {
      await say(`You said “${question}”. I am a scripted agent behind Rivet’s daemon: `);
      await say('both of us have session ids of our own, and neither replaces yours.');
      return;
    }
    const call = { toolCallId: `call-${randomUUID()}`, title: 'clock' };
    await say('Let me look at the clock. ');
    await update({ sessionUpdate: 'tool_call', ...call, status: 'in_progress', rawInput: {} });
    await delay(WORD_MS, undefined, { signal });
    const time = new Date().toTimeString().slice(0, 8);
    await update({
      sessionUpdate: 'tool_call_update',
      ...call,
      status: 'completed',
      rawOutput: time,
    });
    await say(`It is ${time} here.`);
  }
}

process.stdin.on('end', () => process.exit(0));
new AgentSideConnection(
  (connection) => new ScriptedAgent(connection),
  ndJsonStream(Writable.toWeb(process.stdout), Readable.toWeb(process.stdin)),
);
