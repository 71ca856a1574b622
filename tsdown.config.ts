import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: [
    'lib/index.ts',
    'lib/register.ts',
    'lib/engines/index.ts',
    'lib/engines/{pi,rivet,remote,ai-sdk,queue,conformance}/index.ts',
    'lib/protocols/{ui-message-stream,ag-ui}/index.ts',
  ],
  format: ['esm', 'cjs'],
  platform: 'node',
  target: 'node20.19',
  // Stays a file of its own, and CommonJS in both formats: it loads ajv when a schema is compiled, and not before.
  external: [/drafts\.cjs$/],
  copy: [{ from: 'lib/shared/drafts.cjs', to: 'dist/shared' }],
  dts: true,
  clean: true,
});
