/** Pi's packages go in, the models and keys of one run come out, the same from each line of Pi: 0.74, and those since 0.80. */
import type * as PiAi from '@earendil-works/pi-ai';
import type * as Pi from '@earendil-works/pi-coding-agent';
import { engineFailed } from '../engine-error.js';
import { createFauxProvider, type FauxOptions } from './faux.js';

/** What a session takes to find its models and its keys. */
type SessionModels = Pick<
  Pi.CreateAgentSessionOptions & { modelRuntime: ModelRuntime },
  'authStorage' | 'modelRegistry' | 'modelRuntime'
>;

/** The models of one run. */
export interface Models {
  /** For `createAgentSession()`. */
  readonly sessionOptions: Partial<SessionModels>;
  readonly available: () => readonly unknown[];
  readonly find: (provider: string, id: string) => PiAi.Model<PiAi.Api> | undefined;
  readonly hasKey: (model: PiAi.Model<PiAi.Api>) => boolean;
  /** Makes Pi's test model one of them. */
  readonly addFaux: (options: FauxOptions) => PiAi.Model<PiAi.Api>;
  /** Removes what was registered for the whole process. */
  readonly release: () => void;
}

/** What the newer lines have in place of `AuthStorage` and `ModelRegistry`; this package's types are those of 0.74. */
interface ModelRuntime {
  getAvailableSnapshot(): readonly PiAi.Model<PiAi.Api>[];
  getModel(provider: string, id: string): PiAi.Model<PiAi.Api> | undefined;
  hasConfiguredAuth(provider: string): boolean;
  registerNativeProvider(provider: unknown): void;
}
interface NewerPi {
  readonly ModelRuntime: {
    create(options: { credentials: unknown; modelsPath: null }): Promise<ModelRuntime>;
  };
}
interface NewerPiAi {
  readonly InMemoryCredentialStore: new () => unknown;
  fauxProvider(options: object): PiAi.FauxProviderRegistration & { readonly provider: unknown };
}

/** In memory: no key, setting or catalogue of this machine is read, and none is fetched. */
export async function createModels(agent: typeof Pi, ai: typeof PiAi): Promise<Models> {
  return 'AuthStorage' in agent
    ? modelsOfRegistry(agent, ai)
    : modelsOfRuntime(agent as NewerPi, ai as unknown as NewerPiAi & typeof PiAi);
}

function modelsOfRegistry(agent: typeof Pi, ai: typeof PiAi): Models {
  const authStorage = agent.AuthStorage.inMemory();
  const modelRegistry = agent.ModelRegistry.inMemory(authStorage);
  let release = () => {};
  return {
    sessionOptions: { authStorage, modelRegistry },
    available: () => modelRegistry.getAvailable(),
    find: (provider, id) => modelRegistry.find(provider, id),
    hasKey: (model) => modelRegistry.hasConfiguredAuth(model),
    addFaux(options) {
      const faux = createFauxProvider(ai, options, ai.registerFauxProvider);
      release = faux.unregister;
      // Pi refuses a provider without a key, even this one.
      authStorage.setRuntimeApiKey('faux', 'unused');
      return faux.getModel();
    },
    release: () => release(),
  };
}

async function modelsOfRuntime(agent: NewerPi, ai: NewerPiAi & typeof PiAi): Promise<Models> {
  const credentials = new ai.InMemoryCredentialStore();
  const modelRuntime = await agent.ModelRuntime.create({ credentials, modelsPath: null });
  return {
    sessionOptions: { modelRuntime },
    available: () => modelRuntime.getAvailableSnapshot(),
    find: (provider, id) => modelRuntime.getModel(provider, id),
    hasKey: ({ provider }) => modelRuntime.hasConfiguredAuth(provider),
    addFaux(options) {
      const faux = createFauxProvider(ai, options, ai.fauxProvider);
      modelRuntime.registerNativeProvider(faux.provider);
      return faux.getModel();
    },
    release: () => {},
  };
}

/** The model of this name; without a name `undefined`, for Pi to choose. Pi's own errors quote paths and its commands. */
export function findModel(models: Models, name: string | undefined) {
  if (name === undefined) {
    if (models.available().length > 0) return undefined;
    throw engineFailed(
      'No model was named, and the environment has no key for any provider Pi knows',
    );
  }
  // Ids have slashes of their own: openrouter/anthropic/…
  const slash = name.indexOf('/');
  const model = models.find(name.slice(0, Math.max(slash, 0)), name.slice(slash + 1));
  if (model === undefined) {
    throw engineFailed('Pi does not know the model: it must be "faux" or "provider/model-id"');
  }
  if (models.hasKey(model)) return model;
  throw engineFailed(`The environment has no key for the provider "${model.provider}"`);
}
