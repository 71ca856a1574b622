/** Both clients, unmodified, talk to the AI SDK's mock model through `aiSdk()`: three turns, and a tool that asks. */
import { type BaseEvent, buildResumeArray, HttpAgent } from '@ag-ui/client';
import { EventSchemas } from '@ag-ui/core/schemas';
import { lastAssistantMessageIsCompleteWithApprovalResponses, tool, validateUIMessages } from 'ai';
import express from 'express';
import { z } from 'zod';
import { aiSdk } from '../../lib/engines/ai-sdk/index.js';
import { type AgentEngine, run } from '../../lib/engines/index.js';
import { agentEnvelope, bind, problemDetails } from '../../lib/index.js';
import { agUiEvents, agUiRequest } from '../../lib/protocols/ag-ui/index.js';
import { uiMessageRequest, uiMessageStream } from '../../lib/protocols/ui-message-stream/index.js';
import { call, mockModel, quoter, step, text } from '../engines/ai-sdk/model.js';
import { keepErrors, serverSpan, serving, useTracing } from '../helpers.js';
import { chatOf, textOf } from './chat.js';

const tracing = useTracing();

async function served(engine: AgentEngine, use: (url: string) => Promise<void>) {
  const errors: unknown[] = [];
  const app = express();
  app.use(serverSpan);
  app.post(
    '/api/chat',
    uiMessageRequest(),
    agentEnvelope(),
    bind(['inputs'], ({ inputs }, { signal }) =>
      uiMessageStream(run(engine, { messages: inputs.messages as never }, { signal })),
    ),
  );
  app.post(
    '/agent',
    agUiRequest(),
    agentEnvelope(),
    bind(['inputs'], ({ inputs }, { signal }) =>
      agUiEvents(run(engine, { messages: inputs.messages as never }, { signal })),
    ),
  );
  app.use(keepErrors(errors), problemDetails());
  await serving(app, use);
  return errors;
}

/** An agent whose every event is checked by the protocol's schema. */
function agentOf(url: string) {
  const agent = new HttpAgent({ url: `${url}agent`, threadId: 'thread-1' });
  const events: BaseEvent[] = [];
  agent.subscribe({
    onEvent: ({ event }) => {
      events.push(EventSchemas.parse(event) as BaseEvent);
    },
  });
  const say = (content: string) => {
    agent.addMessage({ id: crypto.randomUUID(), role: 'user', content });
    return agent.runAgent();
  };
  return { agent, events, say };
}

const idsOnSpans = () => {
  const spans = tracing.finishedSpans();
  const names = spans.map(({ name }) => name);
  // The SDK's own, too.
  expect(names.filter((name) => name === 'ai.streamText').length).toBeGreaterThanOrEqual(2);
  return [...new Set(spans.map(({ attributes }) => attributes['session.id']))];
};

describe('three turns through aiSdk() have one id on every span', () => {
  it('with useChat', async () => {
    const errors = await served(aiSdk({ model: quoter() }), async (url) => {
      const { chat } = chatOf(`${url}api/chat`, 'chat-1');
      for (const said of ['one', 'two', 'three']) await chat.sendMessage({ text: said });
      expect(chat.error).toBeUndefined();
      expect(chat.messages.map(textOf)).toEqual([
        ...['one', 'You said: one', 'two', 'You said: two', 'three', 'You said: three'],
      ]);
    });
    expect([errors, idsOnSpans()]).toEqual([[], ['chat-1']]);
  });

  it('with HttpAgent', async () => {
    const errors = await served(aiSdk({ model: quoter() }), async (url) => {
      const { agent, say } = agentOf(url);
      for (const said of ['one', 'two', 'three']) await say(said);
      expect(agent.messages.map(({ content }) => content)).toEqual([
        ...['one', 'You said: one', 'two', 'You said: two', 'three', 'You said: three'],
      ]);
    });
    expect([errors, idsOnSpans()]).toEqual([[], ['thread-1']]);
  });
});

describe('a tool that asks the user', () => {
  const ran: unknown[] = [];
  beforeEach(() => {
    ran.length = 0;
  });
  const remove = tool({
    inputSchema: z.object({ key: z.string() }),
    needsApproval: true,
    execute: async ({ key }) => {
      ran.push(key);
      return { removed: key };
    },
  });
  const look = tool({ inputSchema: z.object({}), execute: async () => 'seen' });
  const asking = () => {
    const calls = [call('c1', 'remove', { key: 'a' }), call('c2', 'look', {})];
    const model = mockModel((_options, n) =>
      n === 0
        ? step([...text('I will.'), ...calls], 'tool-calls')
        : step(text(n === 1 ? 'So be it.' : 'Bye.')),
    );
    return aiSdk({ model, tools: { remove, look }, approvals: 'ask' });
  };

  // The answer is a new message, in which the client knows no call of the one before.
  it.each([true, false])('answers what the user says beside a decision: %s', async (approved) => {
    const errors = await served(asking(), async (url) => {
      const { chat } = chatOf(`${url}api/chat`, 'chat-2');
      await chat.sendMessage({ text: 'Remove a' });
      await chat.addToolApprovalResponse({ id: 'c1', approved });
      await chat.sendMessage({ text: 'And hurry' });
      expect([chat.status, chat.error, textOf(chat.messages[3])]).toEqual([
        'ready',
        undefined,
        'So be it.',
      ]);
      await chat.sendMessage({ text: 'Thanks' });
      expect([chat.error, textOf(chat.messages[5])]).toEqual([undefined, 'Bye.']);
    });
    expect(errors).toEqual([]);
  });

  it.each([
    [true, { state: 'output-available', output: { removed: 'a' } }],
    [false, { state: 'output-denied' }],
  ])('is asked in useChat, and goes on with its answer: %s', async (approved, part) => {
    const errors = await served(asking(), async (url) => {
      const { chat, finishReasons, replies } = chatOf(
        `${url}api/chat`,
        'chat-1',
        {},
        {
          sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses,
        },
      );
      await chat.sendMessage({ text: 'Remove a' });
      const asked = { toolCallId: 'c1', input: { key: 'a' } };
      expect(chat.messages[1]?.parts).toMatchObject([
        { type: 'step-start' },
        { type: 'text', text: 'I will.' },
        { ...asked, state: 'approval-requested', approval: { id: 'c1' } },
        { toolCallId: 'c2', state: 'output-available', output: 'seen' },
      ]);
      expect([ran, chat.messages[1]?.metadata]).toMatchObject([[], { finishReason: 'approval' }]);

      await chat.addToolApprovalResponse({ id: 'c1', approved });
      while (chat.status !== 'ready' || replies.length < 2) await new Promise(setImmediate);
      expect(chat.error).toBeUndefined();
      expect(chat.messages[1]?.parts).toMatchObject([
        { type: 'step-start' },
        { type: 'text', text: 'I will.' },
        { ...asked, ...part },
        { toolCallId: 'c2' },
        { type: 'step-start' },
        { type: 'text', text: 'So be it.' },
      ]);
      expect(ran).toEqual(approved ? ['a'] : []);
      await validateUIMessages({ messages: chat.messages });

      await chat.sendMessage({ text: 'Thanks' });
      expect([chat.error, textOf(chat.messages[3])]).toEqual([undefined, 'Bye.']);
      expect(finishReasons).toEqual(['tool-calls', 'stop', 'stop']);
      expect(ran).toEqual(approved ? ['a'] : []);
    });
    expect([errors, idsOnSpans()]).toEqual([[], ['chat-1']]);
  });

  it.each([
    ['approves', { status: 'resolved', payload: { approved: true } }, '{"removed":"a"}'],
    ['refuses', { status: 'resolved', payload: { approved: false } }, /did not approve/],
    ['gives up', { status: 'cancelled' }, /did not approve/],
  ] as const)('interrupts HttpAgent, which resumes: the user %s', async (_what, reply, output) => {
    const errors = await served(asking(), async (url) => {
      const { agent, events, say } = agentOf(url);
      await say('Remove a');
      expect(agent.pendingInterrupts).toMatchObject([
        { id: 'c1', reason: 'tool_call', toolCallId: 'c1', message: 'May the tool remove run?' },
      ]);
      expect(events.at(-1)).toMatchObject({ result: { stopReason: 'approval' } });

      await agent.runAgent({ resume: buildResumeArray(agent.pendingInterrupts, { c1: reply }) });
      expect([agent.pendingInterrupts, ran]).toEqual([
        [],
        output === '{"removed":"a"}' ? ['a'] : [],
      ]);
      const told = events.filter(({ type }) => type === 'TOOL_CALL_RESULT').at(-1);
      expect(told).toMatchObject({ toolCallId: 'c1', content: expect.stringMatching(output) });
      await say('Thanks');
      expect(agent.messages.at(-1)?.content).toBe('Bye.');
    });
    expect([errors, idsOnSpans()]).toEqual([[], ['thread-1']]);
  });

  it.each<[string, unknown, string]>([
    ['no list', {}, '/resume must be an array'],
    ['no id', [{ status: 'cancelled' }], '/resume/0/interruptId must be a string'],
    [
      'no decision',
      [{ interruptId: 'c1', status: 'resolved' }],
      '/resume/0/payload/approved must be',
    ],
    [
      'no call',
      [{ interruptId: 'c9', status: 'cancelled' }],
      'must be that of a tool.call before it',
    ],
  ])('is not resumed with %s', async (_what, resume, told) => {
    await served(asking(), async (url) => {
      const reply = await fetch(`${url}agent`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ threadId: 'thread-1', runId: 'run-1', messages: [], resume }),
      });
      expect([reply.status, await reply.text()]).toEqual([422, expect.stringContaining(told)]);
    });
  });
});
