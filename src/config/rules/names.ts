/* What MQTT 5 and Kafka allow as a name, a filter or a template. Every function answers with the
 * fault, or with undefined where the name is right.
 */

import { nearest } from '../nearest.js';
import type { Fault } from '../problem-list.js';
import { quote } from '../problem-list.js';

/** [MQTT-4.7.3-3] */
const MQTT_STRING_BYTES_MAX = 65_535;
export const KAFKA_TOPIC_LENGTH_MAX = 249;
const LONE_SURROGATE = /\p{Surrogate}/u;
const FORBIDDEN_IN_KAFKA_TOPIC = /[^a-zA-Z0-9._-]/u;
const SHARE = '$share/';

export interface SharedFilter {
  readonly groupName: string;
  readonly topicFilter: string;
}

/** The two parts of `$share/<group>/<filter>`; undefined for a filter of another form. */
export function splitSharedFilter(filter: string): SharedFilter | undefined {
  if (!filter.startsWith(SHARE)) return undefined;
  const end = filter.indexOf('/', SHARE.length);
  if (end < 0) return { groupName: filter.slice(SHARE.length), topicFilter: '' };
  return { groupName: filter.slice(SHARE.length, end), topicFilter: filter.slice(end + 1) };
}

/** A topic filter, with or without `$share/<group>/` before it. */
export function topicFilterFault(written: string): Fault | undefined {
  const shared = splitSharedFilter(written);
  if (shared !== undefined) {
    const fault = shareNameFault(shared.groupName);
    if (fault !== undefined) return fault;
    if (shared.topicFilter === '') {
      return { message: 'has no topic filter', hint: 'write $share/<group>/<filter>' };
    }
  }
  return mqttStringFault(written) ?? wildcardFault(shared?.topicFilter ?? written);
}

function wildcardFault(filter: string): Fault | undefined {
  const levels = filter.split('/');
  for (const [index, level] of levels.entries()) {
    // [MQTT-4.7.1-1]
    if (level.includes('#') && (level !== '#' || index < levels.length - 1)) {
      return { message: '# must be the whole of the last level', hint: 'such as plant/1/#' };
    }
    // [MQTT-4.7.1-2]
    if (level.includes('+') && level !== '+') {
      return { message: '+ must be the whole of its level', hint: 'such as plant/+/temperature' };
    }
  }
  return undefined;
}

/** The name to publish to. */
export function topicNameFault(name: string): Fault | undefined {
  // [MQTT-3.3.2-2]
  if (/[+#]/.test(name)) {
    return { message: 'has a wildcard', hint: 'name one topic: nobody can publish to + or #' };
  }
  return mqttStringFault(name);
}

/** [MQTT-4.8.2-1], [MQTT-4.8.2-2] */
export function shareNameFault(name: string): Fault | undefined {
  if (name === '') return { message: 'the share name is empty', hint: 'such as group1' };
  if (/[/+#]/.test(name)) {
    return { message: 'the share name has a /, + or # in it', hint: 'use other characters' };
  }
  return mqttStringFault(name);
}

/** What no name of ours may have in it. */
export function controlFault(text: string): Fault | undefined {
  return /\p{Cc}/u.test(text)
    ? { message: 'has a control character in it', hint: 'use letters, digits, . _ and -' }
    : undefined;
}

/** [MQTT-1.5.4-1], [MQTT-1.5.4-2] */
export function mqttStringFault(text: string): Fault | undefined {
  if (text.includes('\0')) {
    return { message: 'has a null character (U+0000)', hint: 'MQTT forbids it' };
  }
  if (LONE_SURROGATE.test(text)) {
    return { message: 'has half of a surrogate pair', hint: 'it has no form in UTF-8' };
  }
  const bytes = Buffer.byteLength(text);
  if (bytes <= MQTT_STRING_BYTES_MAX) return undefined;
  return {
    message: `takes ${bytes} bytes in UTF-8`,
    hint: `MQTT allows ${MQTT_STRING_BYTES_MAX}`,
  };
}

/** What Kafka's `Topic.validate` would object to in a topic name; undefined for a good one. */
export function kafkaTopicFault(name: string): Fault | undefined {
  if (name === '') return { message: 'is empty', hint: 'name a Kafka topic' };
  if (name === '.' || name === '..') {
    return { message: `${quote(name)} is no Kafka topic`, hint: 'choose another name' };
  }
  return forbiddenFault(name) ?? lengthFault(name.length);
}

function forbiddenFault(literal: string): Fault | undefined {
  const character = FORBIDDEN_IN_KAFKA_TOPIC.exec(literal)?.[0];
  if (character === undefined) return undefined;
  return {
    message: `${quote(character)} is not allowed in a Kafka topic`,
    hint: 'use letters, digits, ".", "_" and "-"',
  };
}

function lengthFault(length: number): Fault | undefined {
  if (length <= KAFKA_TOPIC_LENGTH_MAX) return undefined;
  return {
    message: `has ${length} characters`,
    hint: `Kafka allows ${KAFKA_TOPIC_LENGTH_MAX}`,
  };
}

const KAFKA_VARIABLES = `use \${topic}, \${topic.N} (N counts levels from 1) or \${property.NAME}`;
const MQTT_VARIABLES = `use \${key}, \${kafkaTopic} (\${inputTopic} is the same), \${partition} or \${header.NAME}`;

/** Text, or the name of a variable. */
export type TemplatePart = { readonly text: string } | { readonly variable: string };

/** A template as a whole; undefined where a variable is not closed. */
export function templateParts(template: string): readonly TemplatePart[] | undefined {
  const [first = '', ...rest] = template.split('${');
  const parts: TemplatePart[] = [{ text: first }];
  for (const part of rest) {
    const end = part.indexOf('}');
    if (end < 0) return undefined;
    parts.push({ variable: part.slice(0, end) }, { text: part.slice(end + 1) });
  }
  return parts;
}

/** What a template says besides its variables; or what is wrong with one of them. */
function literalOf(
  template: string,
  variableFault: (name: string) => Fault | undefined,
): { readonly literal: string; readonly isConstant: boolean } | Fault {
  const parts = templateParts(template);
  if (parts === undefined) return { message: 'a "${" is not closed', hint: 'add the "}"' };
  let literal = '';
  for (const part of parts) {
    if ('text' in part) literal += part.text;
    else {
      const fault = variableFault(part.variable);
      if (fault !== undefined) return fault;
    }
  }
  return { literal, isConstant: parts.length === 1 };
}

/** `property.NAME`, or `property` that forgets the name. */
function isNamed(variable: string, what: string): boolean {
  return variable === what || variable.startsWith(`${what}.`);
}

function unknownVariable(name: string, known: readonly string[], variables: string): Fault {
  const near = nearest(name.split('.')[0] as string, known);
  const hint = near === undefined ? variables : `did you mean ${near}? ${variables}`;
  return { message: `\${${name}} is not known`, hint };
}

/** A Kafka topic, or a template that gives one for messages of `filter`. */
export function kafkaTopicTemplateFault(
  template: string,
  filter: string | undefined,
): Fault | undefined {
  const read = literalOf(template, (name) => kafkaVariableFault(name, filter));
  if ('message' in read) return read;
  if (read.isConstant) return kafkaTopicFault(template);
  return forbiddenFault(read.literal) ?? lengthFault(read.literal.length);
}

function kafkaVariableFault(name: string, filter: string | undefined): Fault | undefined {
  if (name === 'topic') return undefined;
  if (isNamed(name, 'property')) {
    if (name.length > 'property.'.length) return mqttStringFault(name);
    return { message: `\${${name}} names no user property`, hint: KAFKA_VARIABLES };
  }
  if (!name.startsWith('topic.')) {
    return unknownVariable(name, ['topic', 'property'], KAFKA_VARIABLES);
  }
  const level = name.slice('topic.'.length);
  if (!/^[1-9][0-9]{0,4}$/.test(level)) {
    return { message: `\${${name}} names no level of the topic`, hint: KAFKA_VARIABLES };
  }
  const levels = filter?.split('/') ?? ['#'];
  if (levels.at(-1) === '#' || Number(level) <= levels.length) return undefined;
  return {
    message: `\${${name}} asks for level ${level}`,
    hint: `mqttTopic has ${levels.length}, so no message has that many`,
  };
}

/** The MQTT topic to publish to, or a template that gives one for each record. */
export function mqttTopicTemplateFault(template: string): Fault | undefined {
  const read = literalOf(template, mqttVariableFault);
  return 'message' in read ? read : topicNameFault(read.literal);
}

const RECORD_VARIABLES = ['key', 'kafkaTopic', 'inputTopic', 'partition'];

function mqttVariableFault(name: string): Fault | undefined {
  if (RECORD_VARIABLES.includes(name)) return undefined;
  if (name.startsWith('inputTopic.')) {
    const message = `\${${name}} asks for a level of the topic: a Kafka topic has none`;
    return { message, hint: `use \${inputTopic}` };
  }
  if (!isNamed(name, 'header')) {
    return unknownVariable(name, [...RECORD_VARIABLES, 'header'], MQTT_VARIABLES);
  }
  if (name.length > 'header.'.length) return mqttStringFault(name);
  return { message: `\${${name}} names no header`, hint: MQTT_VARIABLES };
}

/** The consumer group of a route; `prefix` is its field `consumerGroupId`. */
export function consumerGroupOf(route: string, prefix: string | undefined): string {
  return prefix === undefined ? route : `${prefix}-${route}`;
}
