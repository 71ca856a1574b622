import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: [
    'lib/index.ts',
    'lib/engines/index.ts',
    'lib/engines/{pi,rivet,remote,conformance}/index.ts',
    'lib/protocols/{ui-message-stream,ag-ui}/index.ts',
  ],
  format: ['esm', 'cjs'],
  platform: 'node',
  target: 'node20.19',
  // A file each, as in lib/: what loads what is as plain in the package as in the source, and stays what the import check saw.
  unbundle: true,
  dts: true,
  clean: true,
});
