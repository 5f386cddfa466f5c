/* Kafka topic names that are made from the message: `${topic}`, `${topic.N}` (1-based level) and
 * `${property.NAME}`. Compiled once; pure.
 */
import { shortText } from '../base/short-text.js';
import { compileParts, nameAfter, type TextPart } from './template-parts.js';

export type TemplatePart =
  | TextPart
  | { readonly kind: 'topic' }
  | { readonly kind: 'level'; readonly level: number }
  | { readonly kind: 'property'; readonly name: string };

export interface Template {
  readonly source: string;
  readonly parts: readonly TemplatePart[];
  /** The name, where it is the same for every message. */
  readonly constant: string | undefined;
  /** Whether a message's user properties take part. */
  readonly usesProperties: boolean;
}

export type Expansion =
  | { readonly name: string }
  /** Why no Kafka topic can have the name. */
  | { readonly fault: string };

const KAFKA_TOPIC_LENGTH_MAX = 249;

/** Compiles a valid template; config/rules/names.ts says which are. */
export function compileTemplate(source: string): Template {
  const parts = compileParts(source, variableOf);
  const constant = parts.every((part) => part.kind === 'text') ? source : undefined;
  return { source, parts, constant, usesProperties: parts.some(({ kind }) => kind === 'property') };
}

function variableOf(variable: string): TemplatePart | undefined {
  if (variable === 'topic') return { kind: 'topic' };
  const level = nameAfter('topic', variable);
  if (level !== undefined && /^\d+$/.test(level)) return { kind: 'level', level: Number(level) };
  const name = nameAfter('property', variable);
  return name === undefined ? undefined : { kind: 'property', name };
}

/**
 * The Kafka topic that `template` gives for a message. `/` becomes `.`; what Kafka forbids otherwise,
 * a level that the topic name lacks or a property that the message lacks is a fault.
 * @param property the value of the first user property of a name
 */
export function expandTemplate(
  template: Template,
  topicName: string,
  property: (name: string) => string | undefined,
): Expansion {
  let name = '';
  for (const part of template.parts) {
    const value = partValue(part, topicName, property);
    if (value === undefined) return { fault: missing(part, topicName) };
    name += value;
  }
  name = name.replaceAll('/', '.');
  if (name === '' || name === '.' || name === '..') {
    return { fault: `${JSON.stringify(name)} cannot be a Kafka topic` };
  }
  if (name.length > KAFKA_TOPIC_LENGTH_MAX) {
    return {
      fault: `a Kafka topic of ${name.length} characters; at most ${KAFKA_TOPIC_LENGTH_MAX}`,
    };
  }
  const forbidden = /[^A-Za-z0-9._-]/u.exec(name);
  if (forbidden !== null) {
    return { fault: `${JSON.stringify(forbidden[0])} is forbidden in a Kafka topic` };
  }
  return { name };
}

function partValue(
  part: TemplatePart,
  topicName: string,
  property: (name: string) => string | undefined,
): string | undefined {
  switch (part.kind) {
    case 'text':
      return part.text;
    case 'topic':
      return topicName;
    case 'level':
      return topicName.split('/')[part.level - 1];
    case 'property':
      return property(part.name);
  }
}

function missing(part: TemplatePart, topicName: string): string {
  if (part.kind === 'level')
    return `${JSON.stringify(shortText(topicName))} has no level ${part.level}`;
  if (part.kind === 'property')
    return `the message has no user property ${JSON.stringify(part.name)}`;
  return 'the template gives nothing';
}
