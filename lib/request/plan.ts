/** Both forms of `bind()`'s first argument go in; one plan comes out: how to bind, what to check before and after. */
import { configError, detailsError } from '../shared/errors.js';
import { isJsonObject, type JsonObject, ownMember } from '../shared/json.js';
import { refuseInherited } from '../shared/option-parsing.js';
import { compileSchema, type JsonSchema } from '../shared/schema.js';
import {
  broken,
  type Checked,
  compileStandard,
  isStandard,
  kept,
  type MaybePromise,
  whenDone,
} from '../shared/standard-schema.js';
import { type Asked, type Binder, compileBinder } from './binding.js';
import type { Declaration } from './declaration.js';
import type { LocatedData } from './envelope.js';
import { DATA_FIELDS, type EnvelopeField } from './field.js';

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
  // A Set of names would be a declaration without members.
  if (!isJsonObject(asked) || Symbol.iterator in asked) {
    throw configError(`${WHERE} names`, 'must be a list of names or a declaration', asked);
  }
  return compileDeclaration(asked);
}

function compileDeclaration(declaration: JsonObject): Plan {
  refuseInherited(`${WHERE} declaration`, declaration, DATA_FIELDS);
  const bound: Asked[] = [];
  const checks: Partial<Record<string, ValueCheck>> = {};
  for (const [name, value] of Object.entries(declaration)) {
    if (value === undefined) continue;
    const place = `${WHERE} ${name}`;
    const isData = DATA_FIELDS.some((field) => field === name);
    if (value === true) bound.push(name);
    else if (isData && !isField(value)) {
      checks[name] = compileCheck(value, place);
      if (name !== 'outputs') bound.push(name);
    } else if (!isData && isField(value) && value.name === name) bound.push(value);
    else throw wrongEntry(name, value, place);
  }
  return {
    bind: compileBinder(bound, `${WHERE} declaration`),
    readData: dataReader(checks),
    readOutput: outputReader(checks.outputs),
  };
}

/** No JSON Schema has a keyword `name`. */
function isField(value: unknown): value is EnvelopeField {
  return isJsonObject(value) && typeof ownMember(value, 'name') === 'string' && !isStandard(value);
}

type ValueCheck = (value: unknown, at: string) => MaybePromise<Checked>;

function compileCheck(schema: unknown, place: string): ValueCheck {
  if (isStandard(schema)) return compileStandard(schema, place);
  const check = compileSchema(schema as JsonSchema, place);
  return (value, at) => {
    const errors = check(value, at);
    return errors === undefined ? kept(value) : broken(errors);
  };
}

function dataReader({ inputs, parameters }: Partial<Record<string, ValueCheck>>): Plan['readData'] {
  if (inputs === undefined && parameters === undefined) return (data) => data;
  return (data) =>
    whenDone(
      inputs?.(data.inputs, `${data.pointer}/inputs`) ?? kept(data.inputs),
      (checkedInputs) =>
        whenDone(
          parameters?.(data.parameters, `${data.pointer}/parameters`) ?? kept(data.parameters),
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

function wrongEntry(name: string, value: unknown, place: string): TypeError {
  if (!isField(value)) {
    return configError(place, `must be true or the field of that name: ${onlyData(name)}`, value);
  }
  return configError(place, 'must be the name of the field that it declares', value.name);
}

/** A misspelt name is recognized by its beginning: `inputz`, `output`, `params`. */
function onlyData(name: string): string {
  const meant = DATA_FIELDS.find((field) => field.startsWith(name.slice(0, 3).toLowerCase()));
  const hint = meant === undefined || name.length < 3 ? '' : `; did you mean ${meant}?`;
  return `only ${DATA_FIELDS.join(', ')} take a schema${hint}`;
}
