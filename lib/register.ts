/**
 * Loaded beside a zero-code set-up, in any order: `node --import express-agent-envelope/register`. The session's processors then
 * stand first in the SDK that another `--import` starts, without a line of code.
 */
import { diag } from '@opentelemetry/api';
import { onGlobalProviders } from './session/global-providers.js';
import { SessionLogRecordProcessor } from './session/log-record-processor.js';
import { SessionSpanProcessor } from './session/span-processor.js';
import { guardTracing } from './session/tracing.js';

/** An SDK takes its processors when it is made, and none later: these are the private lists it keeps them in. */
interface TracerProvider {
  readonly _activeSpanProcessor?: { readonly _spanProcessors?: unknown };
}
interface LoggerProvider {
  readonly _sharedState?: { readonly registeredLogRecordProcessors?: unknown };
}

onGlobalProviders({
  tracer: (provider) => {
    const processors = (provider as TracerProvider)._activeSpanProcessor?._spanProcessors;
    addFirst(processors, new SessionSpanProcessor(), provider);
  },
  logger: (provider) => {
    const processors = (provider as LoggerProvider)._sharedState?.registeredLogRecordProcessors;
    addFirst(processors, new SessionLogRecordProcessor(), provider);
  },
});

/** Before the ones that export. Where there is one already, of the app or because this file was loaded twice, nothing is to do. */
function addFirst(processors: unknown, processor: object, provider: unknown): void {
  guardTracing(() => {
    if (!Array.isArray(processors)) warnUnreachable(processor, provider);
    else if (!processors.some((other) => isAlike(other, processor))) processors.unshift(processor);
  });
}

/** By name: the app's may come from the other build of this package. */
function isAlike(other: unknown, processor: object): boolean {
  return Object(other).constructor?.name === processor.constructor.name;
}

function warnUnreachable(processor: object, provider: unknown): void {
  diag.warn(
    `express-agent-envelope PROVIDER_UNREACHABLE: ${Object(provider).constructor?.name} has no processors that ` +
      `express-agent-envelope/register could join. Give it \`new ${processor.constructor.name}()\` where it is made; for ` +
      'vendors whose SDK takes none, see docs/backends.',
  );
}
