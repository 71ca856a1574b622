/** Options go in, an engine comes out that runs Pi, the coding agent, in this process: in memory, and blind to the machine. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as PiAi from '@earendil-works/pi-ai';
import type * as Pi from '@earendil-works/pi-coding-agent';
import type { AgentMessage } from '../../shared/run-events.js';
import type { AgentEngine } from '../engine.js';
import { engineFailed } from '../engine-error.js';
import { requirePeers } from '../peer.js';
import { registerFaux } from './faux.js';
import { type PiOptions, parseOptions } from './options.js';
import { createPiSession } from './session.js';

export type { FauxOptions } from './faux.js';
export type { PiOptions } from './options.js';

const PACKAGES = ['@earendil-works/pi-coding-agent', '@earendil-works/pi-ai'];
const NO_USAGE: PiAi.Usage = {
  input: 0,
  output: 0,
  cacheRead: 0,
  cacheWrite: 0,
  totalTokens: 0,
  cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 },
};

/**
 * An engine that runs [Pi](https://www.npmjs.com/package/@earendil-works/pi-coding-agent). Each run has a session of its own,
 * in memory, with an empty temporary directory to work in. No tool runs but those in `options.tools`; no settings, keys,
 * extensions or context files (`AGENTS.md`) are read from the machine. Providers' keys come from the environment, e.g.
 * `ANTHROPIC_API_KEY`.
 *
 * Messages of the role `system` are appended to the instructions.
 *
 * @param options - see {@link PiOptions}
 * @throws TypeError at once, when an option is wrong
 * @throws Error at once, with the code `PEER_MISSING`, when a package of Pi is not installed
 * @throws {@link index!EnvelopeError | EnvelopeError} from the run: `ENGINE_FAILED` (502) for a model that Pi does not know, a provider without a
 * key, and a call to the model that fails
 * @example
 * ```ts
 * const engine = pi({ model: 'anthropic/claude-sonnet-4-5', instructions: 'You answer in one sentence.' });
 * app.post('/chat', bind({ inputs: conversation }, ({ inputs }, { signal }) => run(engine, { messages: inputs.messages }, { signal })));
 * ```
 */
export function pi(options?: PiOptions): AgentEngine {
  const configuration = parseOptions(options);
  requirePeers('pi()', PACKAGES);
  return {
    name: 'pi',
    async open(request, signal) {
      const { system, history, question } = split(request.messages);
      const agent = await import('@earendil-works/pi-coding-agent');
      const ai = await import('@earendil-works/pi-ai');
      const authStorage = agent.AuthStorage.inMemory();
      const modelRegistry = agent.ModelRegistry.inMemory(authStorage);
      const name = request.model ?? configuration.model;
      const faux = name === 'faux' ? registerFaux(ai, configuration.faux) : undefined;
      let cwd: string | undefined;
      const release = async () => {
        faux?.unregister();
        if (cwd !== undefined) await rm(cwd, { recursive: true, force: true });
      };
      try {
        // Pi refuses a provider without a key, even this one.
        if (faux) authStorage.setRuntimeApiKey('faux', 'unused');
        const model = faux?.getModel() ?? findModel(modelRegistry, name);
        cwd = await mkdtemp(join(tmpdir(), 'express-agent-envelope-pi-'));
        const { session } = await agent.createAgentSession({
          cwd,
          agentDir: join(cwd, 'agent'),
          authStorage,
          modelRegistry,
          // Retrying is up to who asks, and history is up to who sends it.
          settingsManager: agent.SettingsManager.inMemory({
            retry: { enabled: false },
            compaction: { enabled: false },
            enableInstallTelemetry: false,
          }),
          sessionManager: agent.SessionManager.inMemory(cwd),
          resourceLoader: noResources(agent, [configuration.instructions, ...system].join('\n\n')),
          ...(model && { model }),
          thinkingLevel: 'off',
          customTools: [...configuration.tools],
          // An allowlist: with none, Pi would offer its own, a shell among them.
          tools: configuration.tools.map((tool) => tool.name),
        });
        session.agent.state.messages = toPiMessages(history, session.agent.state.model);
        // By this id the faux provider simulates a cache, and counts what it puts there twice.
        if (faux) delete session.agent.sessionId;
        return createPiSession(session, question, signal, release);
      } catch (error) {
        await release();
        throw error;
      }
    },
  };
}

function split(messages: readonly AgentMessage[]) {
  const turns = messages.filter(({ role }) => role !== 'system');
  return {
    system: messages.filter(({ role }) => role === 'system').map(({ content }) => content),
    history: turns.slice(0, -1),
    // `run()` has seen to it that there is one, and that it is the user's.
    question: turns.at(-1)?.content ?? '',
  };
}

/** The model of this name; without a name `undefined`, for Pi to choose. Pi's own errors quote paths and its commands. */
function findModel(registry: Pi.ModelRegistry, name: string | undefined) {
  if (name === undefined) {
    if (registry.getAvailable().length > 0) return undefined;
    throw engineFailed(
      'No model was named, and the environment has no key for any provider Pi knows',
    );
  }
  // Ids have slashes of their own: openrouter/anthropic/…
  const slash = name.indexOf('/');
  const model = registry.find(name.slice(0, Math.max(slash, 0)), name.slice(slash + 1));
  if (model === undefined) {
    throw engineFailed('Pi does not know the model: it must be "faux" or "provider/model-id"');
  }
  if (registry.hasConfiguredAuth(model)) return model;
  throw engineFailed(`The environment has no key for the provider "${model.provider}"`);
}

/** Pi's own loader reads the user's and the working directory's files. */
function noResources(agent: typeof Pi, systemPrompt: string): Pi.ResourceLoader {
  const runtime = agent.createExtensionRuntime();
  return {
    getExtensions: () => ({ extensions: [], errors: [], runtime }),
    getSkills: () => ({ skills: [], diagnostics: [] }),
    getPrompts: () => ({ prompts: [], diagnostics: [] }),
    getThemes: () => ({ themes: [], diagnostics: [] }),
    getAgentsFiles: () => ({ agentsFiles: [] }),
    getSystemPrompt: () => systemPrompt,
    getAppendSystemPrompt: () => [],
    extendResources: () => {},
    reload: async () => {},
  };
}

function toPiMessages(
  messages: readonly AgentMessage[],
  { api, provider, id }: PiAi.Model<PiAi.Api>,
): PiAi.Message[] {
  const timestamp = Date.now();
  return messages.map(({ role, content }) => {
    if (role !== 'assistant') return { role: 'user', content, timestamp };
    const by = { api, provider, model: id, usage: NO_USAGE, stopReason: 'stop' as const };
    return { role, content: [{ type: 'text', text: content }], ...by, timestamp };
  });
}
