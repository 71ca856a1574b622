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

/**
 * Makes the provider of one session: on a shared one, sessions at the same time take each other's answers.
 *
 * @param create - the function of pi-ai that makes it
 */
export function createFauxProvider<T extends PiAi.FauxProviderRegistration>(
  ai: typeof PiAi,
  { respond = quote, tokensPerSecond }: FauxOptions,
  create: (options: { tokensPerSecond?: number }) => T,
): T {
  const faux = create(tokensPerSecond === undefined ? {} : { tokensPerSecond });
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
  // Since 0.80 the system prompt is one of the messages.
  const turns = messages.filter(({ role }) => (role as string) !== 'system');
  const last = messages.findLast(({ role }) => role === 'user')?.content ?? '';
  const text =
    typeof last === 'string'
      ? last
      : last.map((part) => (part.type === 'text' ? part.text : '')).join('');
  return `I have seen ${turns.length} message(s). The last one says: ${text}`;
}
