/** A function that answers goes in, a provider of Pi's comes out that needs no network, no key and no model. */
import type * as PiAi from '@earendil-works/pi-ai';
import type { AssistantMessage, Context } from '@earendil-works/pi-ai';

/** What the model `'faux'` does. */
export interface FauxOptions {
  /**
   * Answers one call to the model: with text, or with a message of pi-ai's `fauxAssistantMessage`, which may call tools. It
   * gets what a provider gets: the system prompt, the messages, the tools, and the signal of the run. When it throws, the
   * call fails: `ENGINE_FAILED`.
   * @defaultValue a sentence with the number of messages and the text of the last one
   */
  readonly respond?:
    | ((
        context: Context,
        signal: AbortSignal | undefined,
      ) => string | AssistantMessage | Promise<string | AssistantMessage>)
    | undefined;
  /**
   * How fast the text comes, in tokens of four characters a second; more than 0.
   * @defaultValue all at once, before any timer or socket gets its turn: nothing can abort it midway
   */
  readonly tokensPerSecond?: number | undefined;
}

/** Registers the provider for one session: on a shared one, sessions at the same time take each other's answers. */
export function registerFaux(
  ai: typeof PiAi,
  { respond = quote, tokensPerSecond }: FauxOptions,
): PiAi.FauxProviderRegistration {
  const faux = ai.registerFauxProvider(tokensPerSecond === undefined ? {} : { tokensPerSecond });
  const step: PiAi.FauxResponseFactory = async (context, options) => {
    // A response is used up by one call.
    faux.appendResponses([step]);
    const answer = await respond(context, options?.signal);
    return typeof answer === 'string' ? ai.fauxAssistantMessage(answer) : answer;
  };
  faux.setResponses([step]);
  return faux;
}

function quote({ messages }: Context): string {
  const last = messages.findLast(({ role }) => role === 'user')?.content ?? '';
  const text =
    typeof last === 'string'
      ? last
      : last.map((part) => (part.type === 'text' ? part.text : '')).join('');
  return `I have seen ${messages.length} message(s). The last one says: ${text}`;
}
