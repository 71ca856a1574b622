// OpenTelemetry's own logs: SessionLogRecordProcessor stands before the processor that exports.
import {
  ConsoleLogRecordExporter,
  LoggerProvider,
  SimpleLogRecordProcessor,
} from '@opentelemetry/sdk-logs';
import { SessionLogRecordProcessor } from 'express-agent-envelope';

/** Prints `{ prompt, session_id }` in place of sending it. */
class Exporter extends ConsoleLogRecordExporter {
  export(records, done) {
    for (const { body, attributes } of records)
      console.log(JSON.stringify({ prompt: body, session_id: attributes['session.id'] }));
    done({ code: 0 });
  }
}
const provider = new LoggerProvider({
  processors: [
    new SessionLogRecordProcessor(),
    new SimpleLogRecordProcessor({ exporter: new Exporter() }),
  ],
});
const logger = provider.getLogger('my-agent');

export async function answer(prompt) {
  logger.emit({ body: prompt });
  await new Promise((resolve) => setTimeout(resolve, 10));
  logger.emit({ body: prompt });
  return `re: ${prompt}`;
}
