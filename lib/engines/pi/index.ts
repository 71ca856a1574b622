/** Options go in, an engine comes out that runs Pi, the coding agent, in this process: in memory, and blind to the machine. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as Pi from '@earendil-works/pi-coding-agent';
import type { AgentEngine } from '../engine.js';
import { requirePeers } from '../peer.js';
import { refuseImages, split, toPiMessages } from './messages.js';
import { createModels, findModel } from './models.js';
import { type PiOptions, parseOptions } from './options.js';
import { createPiSession } from './session.js';

export type { FauxOptions } from './faux.js';
export type { PiOptions } from './options.js';

const PACKAGES = ['@earendil-works/pi-coding-agent', '@earendil-works/pi-ai'];
/** Newer lines of Pi need Node.js 22.19; npm would install them on an older Node.js, and only warn. */
const LINE = isNode(22, 19) ? '1' : '0.74';
/**
 * An engine that runs [Pi](https://www.npmjs.com/package/@earendil-works/pi-coding-agent). Each run has a session of its own,
 * in memory, with an empty temporary directory to work in. No tool runs but those in `options.tools`; no settings, keys,
 * extensions or context files (`AGENTS.md`) are read from the machine. Providers' keys come from the environment, e.g.
 * `ANTHROPIC_API_KEY`.
 *
 * Messages of the role `system` are appended to the instructions. Images are taken as `data`, where the model takes any; files are
 * not. Calls of tools in the history are given to the model as its own.
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
  requirePeers('pi()', PACKAGES, LINE);
  return {
    name: 'pi',
    accepts: ['image', 'tool.call', 'tool.result'],
    async open(request, signal) {
      const { system, history, question } = split(request.messages);
      const agent = await import('@earendil-works/pi-coding-agent');
      const ai = await import('@earendil-works/pi-ai');
      const models = await createModels(agent, ai);
      const name = request.model ?? configuration.model;
      let cwd: string | undefined;
      const release = async () => {
        models.release();
        if (cwd !== undefined) await rm(cwd, { recursive: true, force: true });
      };
      try {
        const faux = name === 'faux' ? models.addFaux(configuration.faux) : undefined;
        const model = faux ?? findModel(models, name);
        cwd = await mkdtemp(join(tmpdir(), 'express-agent-envelope-pi-'));
        const { session } = await agent.createAgentSession({
          cwd,
          agentDir: join(cwd, 'agent'),
          ...models.sessionOptions,
          // Retrying is up to the caller, and so is the history.
          settingsManager: agent.SettingsManager.inMemory({
            retry: { enabled: false },
            compaction: { enabled: false },
            enableInstallTelemetry: false,
            // Pi 1 puts a sentence in the place of an image that it cannot resize.
            images: { autoResize: false },
          }),
          sessionManager: agent.SessionManager.inMemory(cwd),
          resourceLoader: noResources(agent, [configuration.instructions, ...system].join('\n\n')),
          ...(model && { model }),
          thinkingLevel: 'off',
          customTools: [...configuration.tools],
          // An allowlist: with none, Pi would offer its own, a shell among them.
          tools: configuration.tools.map((tool) => tool.name),
        });
        refuseImages(request.messages, session.agent.state.model);
        const past = toPiMessages(history, session.agent.state.model);
        session.agent.state.messages = past;
        // Since 0.80 Pi builds each prompt from the session manager's messages.
        for (const message of past) session.sessionManager.appendMessage(message);
        // With a session id the faux provider simulates a prompt cache, and counts the tokens written to it as input, too.
        if (faux) delete session.agent.sessionId;
        return createPiSession(session, question, signal, release);
      } catch (error) {
        await release();
        throw error;
      }
    },
  };
}

function isNode(major: number, minor: number): boolean {
  const [ownMajor = 0, ownMinor = 0] = process.versions.node.split('.').map(Number);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}

/** Pi's own loader reads the user's and the working directory's files. */
function noResources(agent: typeof Pi, systemPrompt: string) {
  const runtime = agent.createExtensionRuntime();
  return {
    getExtensions: () => ({ extensions: [], errors: [], runtime }),
    getSkills: () => ({ skills: [], diagnostics: [] }),
    getPrompts: () => ({ prompts: [], diagnostics: [] }),
    getThemes: () => ({ themes: [], diagnostics: [] }),
    getAgentsFiles: () => ({ agentsFiles: [] }),
    getSystemPrompt: () => systemPrompt,
    getAppendSystemPrompt: () => [],
    // Since 0.80.
    getSystemPromptSource: () => undefined,
    getAppendSystemPromptSources: () => [],
    extendResources: () => {},
    reload: async () => {},
  };
}
