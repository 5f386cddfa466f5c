/* What the schemas of both kinds are made of. A schema stays expressible as a structural OpenAPI
 * schema: no transforms, no unions of types, no references; the marks below are vocabulary of our
 * own, for the reference and for messages.
 */
import { type SchemaOptions, type TSchema, Type } from '@sinclair/typebox';

/** A field that the reference does not have. */
export const EXTENSION = { 'x-millrace-extension': true } as const;
/** A default that depends on the machine, in words. */
export const DEFAULT_IN_WORDS = 'x-millrace-default';
/** What would be right, where a pattern alone tells a person too little. */
export const EXPECTS = 'x-millrace-expects';
/** What `required` cannot say, in words. */
export const REQUIRED_IN_WORDS = 'x-millrace-required';
/** Kubernetes' own word for a field whose type a structural schema cannot name. */
export const ANY_TYPE = 'x-kubernetes-preserve-unknown-fields';

export const VOCABULARY: readonly string[] = [
  'x-millrace-extension',
  DEFAULT_IN_WORDS,
  EXPECTS,
  REQUIRED_IN_WORDS,
  ANY_TYPE,
];

/** No other fields: a misspelt one is a problem, not a silent default. */
export const CLOSED = { additionalProperties: false } as const;

/** One of several words. */
export function oneOf<const T extends string>(words: readonly T[], options: SchemaOptions) {
  return Type.Unsafe<T>({ ...options, type: 'string', enum: [...words] });
}

/** An object that is there with its own defaults when it is left out. */
export function withDefaults<T extends TSchema>(schema: T): T {
  return { ...schema, default: {} };
}

/** The name of a Kubernetes object; also safe as the name of a folder. */
export function objectName(description: string) {
  return Type.String({
    description,
    minLength: 1,
    maxLength: 253,
    pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$',
    [EXPECTS]: 'lower-case letters, digits, "-" and ".", such as my-name',
  });
}

/** What is left of a spec when its faulty values are taken out. */
export type Partially<T> = T extends readonly (infer Item)[]
  ? readonly (Partially<Item> | undefined)[]
  : T extends object
    ? { readonly [Key in keyof T]?: Partially<T[Key]> | undefined }
    : T;
