/**
 * The type of a JSON Schema literal goes in, the type of the values that it takes comes out. Types only.
 *
 * The keywords that people write are read, each on its own, and what they say is intersected; any other keyword, `$ref` among
 * them, says nothing: a looser type, never a wrong one. TypeBox schemas are such objects.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { JsonObject } from './json.js';

/**
 * `input`: what the handler receives (missing = absent). `output`: what it returns (may be `undefined`), sent as JSON: a list
 * may be read-only.
 */
export type Side = 'input' | 'output';

/** The type of the values that the schema `S` takes: a JSON Schema or a Standard Schema. */
export type SchemaValue<S, On extends Side = 'input'> = S extends StandardSchemaV1
  ? StandardValue<S, On>
  : JsonSchemaValue<S, On>;

/**
 * The handler gets the output of a Standard Schema; the handler's return value is typed by the input type of the outputs
 * schema.
 */
type StandardValue<S extends StandardSchemaV1, On extends Side> = On extends 'input'
  ? StandardSchemaV1.InferOutput<S>
  : StandardSchemaV1.InferInput<S>;

/** The type of the values that the JSON Schema `S` takes. */
export type JsonSchemaValue<S, On extends Side = 'input'> = S extends boolean
  ? S extends false
    ? never
    : unknown
  : // TypeBox: `Type.Unsafe()`; `@sinclair/typebox` has worked the type out.
    S extends { readonly '~unsafe': infer T }
    ? T
    : S extends { readonly static: infer T; readonly params: readonly unknown[] }
      ? T
      : S extends { readonly const: infer T }
        ? T
        : S extends { readonly enum: readonly (infer T)[] }
          ? T
          : Plain<Typed<S, On> & Combined<S, On>>;

/** One object instead of an intersection of several: what an editor shows. */
type Plain<T> = T extends object
  ? T extends readonly unknown[]
    ? T
    : { [Key in keyof T]: T[Key] }
  : T;

type Combined<S, On extends Side> = (S extends { readonly anyOf: readonly (infer One)[] }
  ? JsonSchemaValue<One, On>
  : unknown) &
  (S extends { readonly oneOf: readonly (infer One)[] } ? JsonSchemaValue<One, On> : unknown) &
  (S extends { readonly allOf: infer All } ? Intersected<All, On> : unknown);

type Intersected<All, On extends Side> = All extends readonly [infer First, ...infer Others]
  ? JsonSchemaValue<First, On> & Intersected<Others, On>
  : unknown;

type Typed<S, On extends Side> = S extends { readonly type: infer Name }
  ? Named<Name extends readonly (infer One)[] ? One : Name, S, On> | Null<S>
  : Untyped<S, On>;

/** A keyword of OpenAPI, which ajv knows. */
type Null<S> = S extends { readonly nullable: true } ? null : never;

/** Distributes over the names of a list. */
type Named<Name, S, On extends Side> = Name extends 'string'
  ? string
  : Name extends 'number' | 'integer'
    ? number
    : Name extends 'boolean'
      ? boolean
      : Name extends 'null'
        ? null
        : Name extends 'object'
          ? ObjectValue<S, On>
          : Name extends 'array'
            ? ListValue<S, On>
            : // Only `string`: a schema that was declared before, without `as const`. Its members are known, their types are not.
              Untyped<S, On>;

/** Keywords of objects and lists say what they are, too. */
type Untyped<S, On extends Side> = S extends
  | { readonly properties: unknown }
  | { readonly required: readonly unknown[] }
  | { readonly patternProperties: unknown }
  ? ObjectValue<S, On>
  : S extends { readonly items: unknown } | { readonly prefixItems: unknown }
    ? ListValue<S, On>
    : unknown;

/** An index signature would refuse what has an interface's type: the output goes without. */
type AnyObject<On extends Side> = On extends 'input' ? JsonObject : object;

type ObjectValue<S, On extends Side> = ObjectWith<
  S extends { readonly properties: infer P } ? P : unknown,
  S,
  On
>;

type ObjectWith<P, S, On extends Side> = [keyof P | Required<S>] extends [never]
  ? [Others<S, On>] extends [never]
    ? AnyObject<On>
    : { [key: string]: Others<S, On> }
  : Members<P, Required<S>, On> & OtherMembers<S, P, On>;

type Members<P, Names, On extends Side> = {
  -readonly [Name in keyof P as Name extends Names ? Name : never]: JsonSchemaValue<P[Name], On>;
} & {
  -readonly [Name in keyof P as Name extends Names ? never : Name]?:
    | JsonSchemaValue<P[Name], On>
    | (On extends 'output' ? undefined : never);
} & { [Name in Exclude<Names, keyof P> & string]: unknown };

/** The names in `required`; none where they are only known to be strings. */
type Required<S> = S extends { readonly required: readonly (infer Name extends string)[] }
  ? string extends Name
    ? never
    : Name
  : never;

/** The declared members must fit the index signature, too. */
type OtherMembers<S, P, On extends Side> = [Others<S, On>] extends [never]
  ? unknown
  : { [key: string]: Others<S, On> | JsonSchemaValue<P[keyof P], On> | undefined };

/** The type of members without a name of their own; `never` where the schema says nothing about them. */
type Others<S, On extends Side> =
  | (S extends { readonly additionalProperties: infer A }
      ? A extends true
        ? On extends 'input'
          ? unknown
          : never
        : JsonSchemaValue<A, On>
      : never)
  | (S extends { readonly patternProperties: infer P } ? JsonSchemaValue<P[keyof P], On> : never);

type List<T, On extends Side> = On extends 'input' ? T[] : readonly T[];

/** Draft-07 writes a tuple as a list of `items`, 2020-12 as `prefixItems`. */
type ListValue<S, On extends Side> = S extends { readonly prefixItems: infer P }
  ? Tuple<S, P, S extends { readonly items: infer Item } ? Item : true, On>
  : S extends { readonly items: infer Item }
    ? Item extends readonly unknown[]
      ? Tuple<S, Item, S extends { readonly additionalItems: infer More } ? More : true, On>
      : List<JsonSchemaValue<Item, On>, On>
    : List<unknown, On>;

type Tuple<S, P, More, On extends Side> = S extends { readonly maxItems: Length<P> }
  ? Elements<P, MinItems<S>, On>
  : More extends false
    ? Elements<P, MinItems<S>, On>
    : [...Elements<P, MinItems<S>, On>, ...JsonSchemaValue<More, On>[]];

type Length<P> = P extends readonly unknown[] ? P['length'] : never;

type MinItems<S> = S extends { readonly minItems: infer N } ? N : 0;

/** The first `Min` are there, the others may be. */
type Elements<P, Min, On extends Side, Done extends unknown[] = []> = P extends readonly [
  infer First,
  ...infer Others,
]
  ? Done['length'] extends Min
    ? OptionalElements<P, On, Done>
    : Elements<Others, Min, On, [...Done, JsonSchemaValue<First, On>]>
  : Done;

type OptionalElements<P, On extends Side, Done extends unknown[]> = P extends readonly [
  infer First,
  ...infer Others,
]
  ? OptionalElements<Others, On, [...Done, JsonSchemaValue<First, On>?]>
  : Done;
