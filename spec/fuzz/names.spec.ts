import express, { type RequestHandler } from 'express';
import fc from 'fast-check';
import { agentEnvelope, bind, problemDetails, sessionId } from '../../lib/index.js';
import { json, jsonObject, name, validId } from './arbitraries.js';
import { property } from './cases.js';
import { type FuzzServer, JSON_BODY, startServer } from './server.js';

let server: FuzzServer;
beforeAll(async () => {
  server = await startServer(express);
});
afterAll(() => server.stop());

const fields = [sessionId, 'tenant', 'x.y'];

describe('whatever a handler asks for', () => {
  const scalar = fc.oneof(fc.boolean(), fc.integer(), fc.stringMatching(/^[a-z]{1,20}$/));
  const sent = fc.record({
    fields: fc.record({ session_id: validId, tenant: scalar, 'x.y': scalar }, { requiredKeys: [] }),
    data: fc.record(
      { inputs: jsonObject, outputs: json, parameters: jsonObject },
      { requiredKeys: [] },
    ),
    siblings: jsonObject,
    nested: fc.boolean(),
    names: fc.uniqueArray(name, { maxLength: 6 }),
  });
  const RESERVED = ['session_id', 'tenant', 'x.y', 'data', 'inputs', 'outputs', 'parameters'];

  property('it gets by name, and nothing else', sent, async ({ fields: values, data, ...rest }) => {
    const { nested, names } = rest;
    const siblings = Object.entries(rest.siblings).filter(([key]) => !RESERVED.includes(key));
    const body = {
      ...values,
      ...Object.fromEntries(siblings),
      ...(nested ? { data } : data),
    };
    let bound: Record<string, unknown> | undefined;
    let handler: RequestHandler;
    try {
      handler = bind(names, (argument) => {
        bound = argument as Record<string, unknown>;
        return null;
      });
    } catch (error) {
      expect(error).toBeInstanceOf(TypeError);
      expect(isWrong(names)).toBe(true);
      return;
    }
    expect(isWrong(names)).toBe(false);
    server.use(agentEnvelope({ fields }), handler, problemDetails());
    const reply = await server.send(JSON.stringify(body), JSON_BODY);
    expect(reply.text).toContain('"data":{"outputs":null}');
    expect(bound).toEqual(boundByTheContract(names, values, data));
    expect(Object.keys(bound ?? {}).sort()).toEqual(names.map(keyOf).sort());
  });

  const isRest = (asked: string) => asked.startsWith('...');
  const keyOf = (asked: string) => (isRest(asked) ? asked.slice(3) : asked);
  const isWrong = (names: string[]) => {
    const keys = names.map(keyOf);
    return (
      keys.some((key) => key === '' || key === '__proto__') ||
      new Set(keys).size < keys.length ||
      names.filter(isRest).length > 1
    );
  };

  /** The table of docs/binding.md, once more and on its own. */
  function boundByTheContract(
    names: string[],
    values: Record<string, unknown>,
    sentData: { inputs?: unknown; outputs?: unknown; parameters?: unknown },
  ): Record<string, unknown> {
    const inputs = (sentData.inputs ?? {}) as Record<string, unknown>;
    const data: Record<string, unknown> = {
      inputs,
      outputs: sentData.outputs,
      parameters: sentData.parameters ?? {},
    };
    const entries = names.map((asked): [string, unknown] => {
      if (isRest(asked)) {
        const left = Object.entries(data).filter(([key]) => !names.includes(key));
        return [keyOf(asked), Object.fromEntries(left)];
      }
      if (asked === 'request') return [asked, { ...values, data }];
      if (Object.hasOwn(data, asked)) return [asked, data[asked]];
      if (['session_id', 'tenant', 'x.y'].includes(asked)) return [asked, values[asked]];
      return [asked, Object.hasOwn(inputs, asked) ? inputs[asked] : undefined];
    });
    return Object.fromEntries(entries);
  }
});
