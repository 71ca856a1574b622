/** Options go in, an engine comes out that calls a model through the AI SDK, with tools, in this process. */
import { randomUUID } from 'node:crypto';
import type { Experimental_DownloadFunction as Download, LanguageModel } from 'ai';
import type { AgentMessage } from '../../shared/messages.js';
import type { AgentEvent } from '../../shared/run-events.js';
import type { AgentEngine, EngineSession } from '../engine.js';
import { engineFailed } from '../engine-error.js';
import { refuseParts } from '../message-error.js';
import { requirePeers } from '../peer.js';
import { follow } from '../waiting.js';
import { createTranslator } from './events.js';
import { toModelMessages, toSystem, untoldResults } from './messages.js';
import { type AiSdkConfiguration, type AiSdkOptions, parseOptions } from './options.js';
import { createTracer } from './tracer.js';

export type { AiSdkOptions } from './options.js';

const PARTS = ['image', 'file', 'tool.call', 'tool.result'] as const;

/**
 * An engine on the [AI SDK](https://ai-sdk.dev), `ai` 5, 6 or 7. Its own telemetry is on, without texts: with `ai` 5 and 6 its spans are
 * under `invoke_agent` and in the session; `ai` 7 needs an integration for it.
 *
 * Images, files and the history of tools go to the model. A file by its URL is given to a model that fetches it itself, and refused by
 * one that does not: the server would have to fetch what a client names, from its own network.
 *
 * @param options - see {@link AiSdkOptions}
 * @throws TypeError at once, when an option is wrong
 * @throws Error at once, with the code `PEER_MISSING`, when `ai` is not installed
 * @throws {@link index!EnvelopeError | EnvelopeError} from the run: `ENGINE_FAILED` (502) for a provider's error, which is its cause
 * @throws {@link index!EnvelopeError | EnvelopeError} from the run: `INVALID_INPUT` (422) for a URL that the model does not fetch itself
 * @example
 * ```ts
 * const engine = aiSdk({ model: anthropic('claude-sonnet-4-5'), tools: { weather }, maxSteps: 5 });
 * app.post('/chat', bind({ inputs: conversation }, ({ inputs }, { signal }) => run(engine, { messages: inputs.messages }, { signal })));
 * ```
 */
export function aiSdk(options: AiSdkOptions): AgentEngine {
  const configuration = parseOptions(options);
  requirePeers('aiSdk()', ['ai']);
  return {
    name: 'ai-sdk',
    accepts: configuration.approvals === 'ask' ? [...PARTS, 'tool.approval'] : PARTS,
    async open(request, signal) {
      signal.throwIfAborted();
      const model = chooseModel(configuration.model, request.model);
      return openSession({ ...configuration, model }, signal);
    },
  };
}

function openSession(configuration: AiSdkConfiguration, signal: AbortSignal): EngineSession {
  const { model, instructions, tools, maxSteps, approvals } = configuration;
  const stop = new AbortController();
  const unfollow = follow(stop, signal);
  return {
    id: randomUUID(),
    model: typeof model === 'string' ? model : model.modelId,
    provider: providerOf(model),
    async *prompt({ messages }) {
      const { stepCountIs, streamText } = await import('ai');
      const system = toSystem(instructions, messages);
      const { tracer, end } = createTracer();
      const answer = streamText({
        model,
        messages: toModelMessages(messages),
        tools,
        stopWhen: stepCountIs(maxSteps),
        abortSignal: stop.signal,
        experimental_download: refuseDownloads(messages),
        experimental_telemetry: {
          isEnabled: true,
          recordInputs: false,
          recordOutputs: false,
          tracer,
        },
        // The failure is thrown below; the SDK would print it, too.
        onError: () => {},
        ...(system !== undefined && { system }),
      });
      yield* untoldResults(messages);
      const translate = createTranslator(approvals);
      let last: AgentEvent | undefined;
      try {
        for await (const part of answer.fullStream) {
          // After an abort the SDK ends its spans and the stream, without a failure.
          if (stop.signal.aborted) continue;
          for (const event of translate(part)) {
            if (event.type === 'run.end') last = event;
            else yield event;
          }
        }
        stop.signal.throwIfAborted();
      } finally {
        end();
      }
      // Nobody reads on after it, and the SDK has its telemetry to end.
      if (last !== undefined) yield last;
    },
    async close() {
      unfollow();
      stop.abort(new DOMException('The session of the AI SDK is closed', 'AbortError'));
    },
  };
}

function chooseModel(model: LanguageModel, asked: string | undefined): LanguageModel {
  if (asked === undefined) return model;
  if (typeof model === 'string') return asked;
  if (asked === model.modelId) return model;
  throw engineFailed('aiSdk() was given a model: a request cannot name another one');
}

/** The providers' packages name their interface, too: `openai.chat`. */
function providerOf(model: LanguageModel): string | undefined {
  if (typeof model !== 'string') return model.provider.split('.')[0];
  return model.includes('/') ? model.split('/')[0] : undefined;
}

/** By default, the SDK fetches a URL that the model does not: a client could have it read from the server's own network. */
function refuseDownloads(messages: readonly AgentMessage[]): Download {
  return async (downloads) => {
    const refused = downloads.filter(({ isUrlSupportedByModel }) => !isUrlSupportedByModel);
    const urls = new Set(refused.map(({ url }) => url.href));
    refuseParts(
      messages,
      'this model',
      (part) => !('url' in part) || part.url === undefined || !urls.has(new URL(part.url).href),
    );
    return downloads.map(() => null);
  };
}
