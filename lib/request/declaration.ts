/** What a route declares goes in, the types of its handler's argument and of its output come out. Types only. */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { JsonSchema } from '../shared/schema.js';
import type { SchemaValue } from '../shared/schema-types.js';
import type { Asked, AskedValue, Bound, BoundKey, NamedValue } from './binding.js';
import type { EnvelopeData } from './envelope.js';
import type { DataField, EnvelopeField } from './field.js';

/** A schema of the data: a JSON Schema (a plain literal or a TypeBox schema), or a Standard Schema (Zod, Valibot, ArkType). */
export type DataSchema = JsonSchema | StandardSchemaV1;

/**
 * What a route takes and gives: `true` binds a name; a schema binds the data, checks it and types it; a field of
 * {@link envelopeField}, with its name for a key, is bound and typed by its schema. A JSON Schema that is declared before, in a
 * variable of its own, types the handler with `as const`; without it the members are there, of type `unknown`.
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
  /** Any other name: bound as in the list form, by `true` or by the field of that name. */
  readonly [name: string]: true | DataSchema | EnvelopeField | undefined;
}

/**
 * Only the data has schemas: any other name is declared with `true` or its field. The text is what the compiler shows. A list is one
 * of names here, too: of a list with a wrong handler or option the compiler may tell only what the last form of `bind()` says.
 */
export type StrictDeclaration<D> = {
  readonly [Name in keyof D]: D extends readonly unknown[]
    ? Asked
    : Name extends DataField
      ? true | DataSchema
      : string extends Name
        ? D[Name]
        : D[Name] extends true | EnvelopeField<Name & string>
          ? D[Name]
          : 'only inputs, outputs and parameters take a schema: declare any other name with true or the field of that name';
};

/** The argument of a handler declared with `D`. */
export type DeclaredBound<D extends Declaration | readonly Asked[]> = D extends readonly Asked[]
  ? Bound<D[number]>
  : {
      [Name in keyof D & string as D[Name] extends true
        ? BoundKey<Name>
        : Name extends 'outputs'
          ? never
          : Name]: D[Name] extends true
        ? DeclaredValue<Name, D>
        : Name extends DataField
          ? SchemaValue<D[Name]>
          : AskedValue<D[Name], Name>;
    };

type DeclaredValue<Name extends string, D> = Name extends `...${string}`
  ? Omit<EnvelopeData, TakenFromRest<D>>
  : NamedValue<Name>;

/** An `outputs` schema asks for nothing. */
type TakenFromRest<D> = {
  [Name in keyof D]: D[Name] extends true ? Name : Exclude<Name, 'outputs'>;
}[keyof D];

/** What a handler declared with `D` returns. */
export type DeclaredOutput<D extends Declaration | readonly Asked[]> = D extends {
  readonly outputs: infer O extends DataSchema;
}
  ? SchemaValue<O, 'output'>
  : unknown;
