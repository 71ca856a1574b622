/** Both forms of `bind()`'s first argument go in; one plan comes out: how to bind, what to check before and after. */
import type { Static } from 'typebox';
import { configError, detailsError, type EnvelopeError } from '../shared/errors.js';
import { isJsonObject, type JsonObject } from '../shared/json.js';
import { compileSchema, type JsonSchema, type SchemaCheck } from '../shared/schema.js';
import { type Binder, type BoundKey, compileBinder, type NamedValue } from './binding.js';
import type { LocatedData } from './envelope.js';
import type { DataField } from './field.js';

/**
 * What a route takes and gives: `true` binds a name; a JSON Schema (a plain literal or a TypeBox schema) binds it, checks it
 * and types it.
 */
export interface Declaration {
  /** Schema of the inputs; inputs that do not fit are a 422 `INVALID_INPUT`. */
  readonly inputs?: true | JsonSchema;
  /** Schema of the parameters; parameters that do not fit are a 422 `INVALID_INPUT`. */
  readonly parameters?: true | JsonSchema;
  /**
   * Schema of what the handler returns, or of each item that it streams; what does not fit is a 500 `INVALID_OUTPUT`. It
   * binds nothing. `true` binds the `outputs` of the request.
   */
  readonly outputs?: true | JsonSchema;
  /** Any other name: bound as in the list form. */
  readonly [name: string]: true | JsonSchema | undefined;
}

/** Only the data has schemas: any other name is declared with `true`. */
export type StrictDeclaration<D> = {
  readonly [Name in keyof D]: Name extends DataField
    ? true | JsonSchema
    : string extends Name
      ? D[Name]
      : true;
};

/** The argument of a handler declared with `D`. */
export type DeclaredBound<D extends Declaration> = {
  [Name in keyof D & string as D[Name] extends true
    ? BoundKey<Name>
    : Name extends 'outputs'
      ? never
      : Name]: D[Name] extends true ? DeclaredValue<Name, D> : Static<D[Name] & JsonSchema>;
};

type DeclaredValue<Name extends string, D> = Name extends `...${string}`
  ? Omit<Pick<NamedData, 'inputs' | 'outputs' | 'parameters'>, Asked<D>>
  : NamedValue<Name>;

type NamedData = { [Name in 'inputs' | 'outputs' | 'parameters']: NamedValue<Name> };

/** An `outputs` schema asks for nothing. */
type Asked<D> = {
  [Name in keyof D]: D[Name] extends true ? Name : Exclude<Name, 'outputs'>;
}[keyof D];

/** What a handler declared with `D` returns. */
export type DeclaredOutput<D extends Declaration> = D['outputs'] extends JsonSchema
  ? Static<D['outputs']>
  : unknown;

/** A route's binding, compiled. */
export interface Plan {
  readonly bind: Binder;
  /** The error for inputs and parameters that do not fit. */
  readonly checkData: (data: LocatedData) => EnvelopeError | undefined;
  /** The error for an output that does not fit. */
  readonly checkOutput: (output: unknown) => EnvelopeError | undefined;
}

const CHECKED = ['inputs', 'parameters'] as const;
const WHERE = 'bind:';

/**
 * Compiles the first argument of `bind()`.
 *
 * @throws TypeError naming the entry and the rule
 */
export function compilePlan(asked: readonly string[] | Declaration): Plan {
  if (Array.isArray(asked)) {
    return {
      bind: compileBinder(asked, `${WHERE} names`),
      checkData: () => undefined,
      checkOutput: () => undefined,
    };
  }
  if (!isJsonObject(asked)) {
    throw configError(`${WHERE} names`, 'must be a list of names or a declaration', asked);
  }
  return compileDeclaration(asked);
}

function compileDeclaration(declaration: JsonObject): Plan {
  const names: string[] = [];
  const checks: Partial<Record<string, SchemaCheck>> = {};
  for (const [name, value] of Object.entries(declaration)) {
    if (value === undefined) continue;
    const place = `${WHERE} ${name}`;
    const mayHaveSchema = name === 'outputs' || CHECKED.some((checked) => checked === name);
    if (value !== true && mayHaveSchema) checks[name] = compileSchema(value as JsonSchema, place);
    else if (value !== true) throw configError(place, 'must be true', value);
    if (name !== 'outputs' || value === true) names.push(name);
  }
  return {
    bind: compileBinder(names, `${WHERE} declaration`),
    checkData: (data) => {
      const errors = CHECKED.flatMap(
        (name) => checks[name]?.(data[name], `${data.pointer}/${name}`) ?? [],
      );
      return errors.length > 0 ? detailsError('INVALID_INPUT', errors) : undefined;
    },
    checkOutput: (output) => {
      const errors = checks.outputs?.(output, '/data/outputs');
      return errors && detailsError('INVALID_OUTPUT', errors);
    },
  };
}
