/** Both forms of `bind()`'s first argument go in; one plan comes out: how to bind, what to check before and after. */
import { configError, detailsError } from '../shared/errors.js';
import { isJsonObject, type JsonObject } from '../shared/json.js';
import { compileSchema, type JsonSchema } from '../shared/schema.js';
import {
  type Checked,
  compileStandard,
  isStandard,
  type MaybePromise,
  whenDone,
} from '../shared/standard-schema.js';
import { type Asked, type Binder, compileBinder } from './binding.js';
import type { Declaration } from './declaration.js';
import type { LocatedData } from './envelope.js';
import { DATA_FIELDS } from './field.js';

/** A route's binding, compiled. */
export interface Plan {
  readonly bind: Binder;
  /**
   * The data as the schemas give it back: a promise only where one of them does.
   *
   * @throws EnvelopeError `INVALID_INPUT` (422) for inputs and parameters that do not fit
   */
  readonly readData: (data: LocatedData) => MaybePromise<LocatedData>;
  /**
   * The output as its schema gives it back.
   *
   * @throws EnvelopeError `INVALID_OUTPUT` (500) for one that does not fit
   */
  readonly readOutput: (output: unknown) => MaybePromise<unknown>;
}

const CHECKED = ['inputs', 'parameters'] as const;
const WHERE = 'bind:';

/**
 * Compiles the first argument of `bind()`.
 *
 * @throws TypeError naming the entry and the rule
 */
export function compilePlan(asked: readonly Asked[] | Declaration): Plan {
  if (Array.isArray(asked)) {
    return {
      bind: compileBinder(asked, `${WHERE} names`),
      readData: (data) => data,
      readOutput: (output) => output,
    };
  }
  if (!isJsonObject(asked)) {
    throw configError(`${WHERE} names`, 'must be a list of names or a declaration', asked);
  }
  return compileDeclaration(asked);
}

function compileDeclaration(declaration: JsonObject): Plan {
  const names: string[] = [];
  const checks: Partial<Record<string, ValueCheck>> = {};
  for (const [name, value] of Object.entries(declaration)) {
    if (value === undefined) continue;
    const place = `${WHERE} ${name}`;
    const mayHaveSchema = name === 'outputs' || CHECKED.some((checked) => checked === name);
    if (value !== true && mayHaveSchema) checks[name] = compileCheck(value, place);
    else if (value !== true) throw configError(place, `must be true: ${onlyData(name)}`, value);
    if (name !== 'outputs' || value === true) names.push(name);
  }
  return {
    bind: compileBinder(names, `${WHERE} declaration`),
    readData: dataReader(checks),
    readOutput: outputReader(checks.outputs),
  };
}

type ValueCheck = (value: unknown, at: string) => MaybePromise<Checked>;

function compileCheck(schema: unknown, place: string): ValueCheck {
  if (isStandard(schema)) return compileStandard(schema, place);
  const check = compileSchema(schema as JsonSchema, place);
  return (value, at) => {
    const errors = check(value, at);
    return errors === undefined ? { value } : { errors };
  };
}

function dataReader({ inputs, parameters }: Partial<Record<string, ValueCheck>>): Plan['readData'] {
  if (inputs === undefined && parameters === undefined) return (data) => data;
  return (data) =>
    whenDone(
      inputs?.(data.inputs, `${data.pointer}/inputs`) ?? { value: data.inputs },
      (checkedInputs) =>
        whenDone(
          parameters?.(data.parameters, `${data.pointer}/parameters`) ?? { value: data.parameters },
          (checkedParameters) => withChecked(data, checkedInputs, checkedParameters),
        ),
    );
}

function withChecked(data: LocatedData, inputs: Checked, parameters: Checked): LocatedData {
  const errors = [...(inputs.errors ?? []), ...(parameters.errors ?? [])];
  if (errors.length > 0) throw detailsError('INVALID_INPUT', errors);
  // A Standard Schema may turn an object into something else: the route's schema asks for that.
  return {
    ...data,
    inputs: inputs.value as JsonObject,
    parameters: parameters.value as JsonObject,
  };
}

function outputReader(check: ValueCheck | undefined): Plan['readOutput'] {
  if (check === undefined) return (output) => output;
  return (output) =>
    whenDone(check(output, '/data/outputs'), ({ errors, value }) => {
      if (errors) throw detailsError('INVALID_OUTPUT', errors);
      return value;
    });
}

/** A misspelt name is recognized by its beginning: `inputz`, `output`, `params`. */
function onlyData(name: string): string {
  const meant = DATA_FIELDS.find((field) => field.startsWith(name.slice(0, 3).toLowerCase()));
  const hint = meant === undefined || name.length < 3 ? '' : `; did you mean ${meant}?`;
  return `only ${DATA_FIELDS.join(', ')} take a schema${hint}`;
}
