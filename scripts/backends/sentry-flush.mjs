/** An app on Sentry 10 that ends: what Sentry has buffered is sent before. */
import * as Sentry from '@sentry/node';

export const close = () => Sentry.flush();
