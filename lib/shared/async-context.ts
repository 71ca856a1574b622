/** A function goes in; one comes out that runs it in the async context of this call, whoever calls it and when. */
import { AsyncResource } from 'node:async_hooks';

/**
 * What `AsyncResource.bind()` does, without the accessors that it puts onto each function it makes: V8 takes those functions, and
 * with them their request, into the old space, where only a full garbage collection frees them.
 */
export function bindAsyncContext(fn: () => void): () => void {
  const resource = new AsyncResource('express-agent-envelope');
  return () => resource.runInAsyncScope(fn);
}
