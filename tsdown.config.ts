import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: ['lib/index.ts', 'lib/engines/{index,pi,rivet,remote,conformance}.ts'],
  format: ['esm', 'cjs'],
  platform: 'node',
  target: 'node20.19',
  dts: true,
  clean: true,
});
