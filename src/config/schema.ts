/* Schemas compiled once, and their errors in a person's words. No message repeats a string from
 * the file unless the schema names the words it may be: people paste secrets into wrong fields.
 */
import type { TSchema } from '@sinclair/typebox';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { EXPECTS, VOCABULARY } from './kinds/field.js';
import { nearest } from './nearest.js';
import { type Fault, type Path, quote } from './problem-list.js';

export interface SchemaFault extends Fault {
  readonly path: Path;
}

const ajv = new Ajv({ allErrors: true, strict: true, useDefaults: true, verbose: true });
ajv.addVocabulary([...VOCABULARY]);

/** A validator of one kind's spec, for `check`. Throws where the schema itself is wrong. */
export function compile<T>(schema: TSchema): ValidateFunction<T> {
  return ajv.compile<T>(schema);
}

/** Fills the defaults in and says what is wrong, one fault a field. */
export function check<T>(validator: ValidateFunction<T>, value: unknown): readonly SchemaFault[] {
  if (validator(value)) return [];
  const faults = new Map<string, SchemaFault>();
  // A wrong type brings errors of the other keywords with it; they would only repeat it.
  const errors = [...(validator.errors ?? [])].sort((a, b) => rank(a) - rank(b));
  for (const error of errors) {
    const path = pathOf(error, value);
    const key = JSON.stringify(path);
    if (!faults.has(key)) faults.set(key, { path, ...explain(error) });
  }
  return [...faults.values()];
}

/** Takes the value at `path` out, so that what is left can be checked further. */
export function remove(value: unknown, path: Path): void {
  let parent = value;
  for (const part of path.slice(0, -1)) parent = child(parent, part);
  const last = path.at(-1);
  if (last === undefined || typeof parent !== 'object' || parent === null) return;
  if (Array.isArray(parent)) parent[Number(last)] = undefined;
  else delete (parent as Record<string, unknown>)[String(last)];
}

function child(value: unknown, part: string | number): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return (value as Record<string | number, unknown>)[part];
}

function rank(error: ErrorObject): number {
  return error.keyword === 'type' ? 0 : 1;
}

function pathOf(error: ErrorObject, root: unknown): Path {
  const path: (string | number)[] = [];
  let value = root;
  for (const part of error.instancePath.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    const step = Array.isArray(value) ? Number(key) : key;
    path.push(step);
    value = child(value, step);
  }
  if (error.keyword === 'additionalProperties') path.push(error.params.additionalProperty);
  if (error.keyword === 'required') path.push(error.params.missingProperty);
  return path;
}

interface FieldSchema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly [EXPECTS]?: string;
}

function explain(error: ErrorObject): Fault {
  const schema = (error.parentSchema ?? {}) as FieldSchema;
  switch (error.keyword) {
    case 'additionalProperties':
      return unknownField(error.params.additionalProperty, Object.keys(schema.properties ?? {}));
    case 'required':
      return missingField(schema.properties?.[error.params.missingProperty]);
    case 'type':
      return wrongType(error.data, schema);
    case 'enum':
      return wrongWord(error.data, schema);
    case 'const':
      return { message: `is ${quote(error.data)}`, hint: `write ${schema.const}` };
    case 'minimum':
    case 'maximum':
      return outOfRange(error, schema);
    case 'minLength':
      return { message: 'is empty', hint: `must be ${expected(schema)}` };
    case 'maxLength':
      return { message: 'is too long', hint: `at most ${schema.maxLength} characters` };
    default:
      return { message: 'is not written as it should be', hint: `must be ${expected(schema)}` };
  }
}

function unknownField(name: string, known: readonly string[]): Fault {
  const near = nearest(name, known);
  const hint = near === undefined ? `known here: ${known.join(', ')}` : `did you mean ${near}?`;
  return { message: 'is not a known field', hint };
}

function missingField(schema: FieldSchema | undefined): Fault {
  if (schema === undefined) return { message: 'is missing', hint: 'add it' };
  return {
    message: 'is missing',
    hint: `must be ${expected(schema)}. ${schema.description ?? ''}`,
  };
}

function wrongType(data: unknown, schema: FieldSchema): Fault {
  const message = `is ${typeName(data)}`;
  if (schema.type === 'string' && (typeof data === 'number' || typeof data === 'boolean')) {
    return { message, hint: `must be ${expected(schema)}: put it in quotes` };
  }
  const numeric = schema.type === 'integer' || schema.type === 'boolean';
  if (numeric && typeof data === 'string') {
    return { message, hint: `must be ${expected(schema)}, without quotes` };
  }
  return { message, hint: `must be ${expected(schema)}` };
}

function wrongWord(data: unknown, schema: FieldSchema): Fault {
  const message = `${quote(data)} is not one of the words allowed here`;
  const near = typeof data === 'string' ? nearest(data, words(schema)) : undefined;
  const all = `must be ${expected(schema)}`;
  return { message, hint: near === undefined ? all : `did you mean ${near}? It ${all}` };
}

function words(schema: FieldSchema): string[] {
  return (schema.enum ?? []).map(String);
}

function outOfRange(error: ErrorObject, schema: FieldSchema): Fault {
  if (error.instancePath.endsWith('/qos') && error.data === 2) {
    return { message: 'QoS 2 is not supported', hint: 'use 1' };
  }
  return { message: `${error.data} is out of range`, hint: `must be ${expected(schema)}` };
}

function expected(schema: FieldSchema): string {
  if (schema[EXPECTS] !== undefined) return schema[EXPECTS];
  if (schema.const !== undefined) return String(schema.const);
  // Once each: where true is a word, "true" may be another.
  if (schema.enum !== undefined) return `one of ${[...new Set(words(schema))].join(', ')}`;
  if (schema.type === 'integer' && schema.minimum !== undefined) {
    return `a whole number from ${schema.minimum} to ${schema.maximum}`;
  }
  return TYPE_NAMES[schema.type ?? ''] ?? 'something else';
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'a string that is not empty',
  boolean: 'true or false',
  integer: 'a whole number',
  array: 'a list',
  object: 'a mapping of fields to values',
};

function typeName(data: unknown): string {
  if (data === null || data === undefined) return 'empty';
  if (Array.isArray(data)) return 'a list';
  if (typeof data === 'object') return 'a mapping';
  if (typeof data === 'boolean') return 'true or false';
  if (typeof data === 'number') return Number.isInteger(data) ? 'a number' : 'no whole number';
  return 'a string';
}
