/** Both forms of `bind()`'s first argument go in; one plan comes out: how to bind, what to check before and after. */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { configError, detailsError } from '../shared/errors.js';
import { isJsonObject, type JsonObject } from '../shared/json.js';
import { compileSchema, type JsonSchema } from '../shared/schema.js';
import type { SchemaValue } from '../shared/schema-types.js';
import {
  type Checked,
  compileStandard,
  isStandard,
  type MaybePromise,
  whenDone,
} from '../shared/standard-schema.js';
import {
  type Asked,
  type Binder,
  type BoundKey,
  compileBinder,
  type NamedValue,
} from './binding.js';
import type { EnvelopeData, LocatedData } from './envelope.js';
import { DATA_FIELDS, type DataField } from './field.js';

/** A schema of the data: a JSON Schema (a plain literal or a TypeBox schema), or a Standard Schema (Zod, Valibot, ArkType). */
export type DataSchema = JsonSchema | StandardSchemaV1;

/**
 * What a route takes and gives: `true` binds a name; a schema binds it, checks it and types it. A JSON Schema that is declared
 * before, in a variable of its own, types the handler with `as const`; without it the members are there, of type `unknown`.
 */
export interface Declaration {
  /** Schema of the inputs; inputs that do not fit are a 422 `INVALID_INPUT`. */
  readonly inputs?: true | DataSchema;
  /** Schema of the parameters; parameters that do not fit are a 422 `INVALID_INPUT`. */
  readonly parameters?: true | DataSchema;
  /**
   * Schema of what the handler returns, or of each item that it streams; what does not fit is a 500 `INVALID_OUTPUT`. It
   * binds nothing. `true` binds the `outputs` of the request.
   */
  readonly outputs?: true | DataSchema;
  /** Any other name: bound as in the list form. */
  readonly [name: string]: true | DataSchema | undefined;
}

/** Only the data has schemas: any other name is declared with `true`. The text is what the compiler shows. */
export type StrictDeclaration<D> = {
  readonly [Name in keyof D]: Name extends DataField
    ? true | DataSchema
    : string extends Name
      ? D[Name]
      : D[Name] extends true
        ? true
        : 'only inputs, outputs and parameters take a schema: declare any other name with true';
};

/** The argument of a handler declared with `D`. */
export type DeclaredBound<D extends Declaration> = {
  [Name in keyof D & string as D[Name] extends true
    ? BoundKey<Name>
    : Name extends 'outputs'
      ? never
      : Name]: D[Name] extends true ? DeclaredValue<Name, D> : SchemaValue<D[Name]>;
};

type DeclaredValue<Name extends string, D> = Name extends `...${string}`
  ? Omit<EnvelopeData, TakenFromRest<D>>
  : NamedValue<Name>;

/** An `outputs` schema asks for nothing. */
type TakenFromRest<D> = {
  [Name in keyof D]: D[Name] extends true ? Name : Exclude<Name, 'outputs'>;
}[keyof D];

/** What a handler declared with `D` returns. */
export type DeclaredOutput<D extends Declaration> = D['outputs'] extends DataSchema
  ? SchemaValue<D['outputs'], 'output'>
  : unknown;

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
  // A Standard Schema may make something else of an object: the handler has asked for that.
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

/** A misspelt name is told by how it begins: `inputz`, `output`, `params`. */
function onlyData(name: string): string {
  const meant = DATA_FIELDS.find((field) => field.startsWith(name.slice(0, 3).toLowerCase()));
  const hint = meant === undefined || name.length < 3 ? '' : `; did you mean ${meant}?`;
  return `only ${DATA_FIELDS.join(', ')} take a schema${hint}`;
}
