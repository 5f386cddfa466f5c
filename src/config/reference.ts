/* The configuration reference, from the schemas: whatever they accept is in it, with the defaults
 * that they fill in.
 */
import type { TSchema } from '@sinclair/typebox';
import { DEFAULT_IN_WORDS, EXPECTS, REQUIRED_IN_WORDS } from './kinds/field.js';
import { KafkaConnectorSpec } from './kinds/kafka-connector.js';
import { KafkaConnectorTopicMapSpec } from './kinds/kafka-connector-topic-map.js';
import { API_VERSION } from './resource.js';

interface FieldSchema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly required?: readonly string[];
  readonly items?: FieldSchema;
  readonly 'x-millrace-extension'?: boolean;
  readonly [DEFAULT_IN_WORDS]?: string;
  readonly [REQUIRED_IN_WORDS]?: string;
  readonly [EXPECTS]?: string;
}

const INTRODUCTION = `# Configuration

<!-- Generated from src/config/kinds by: node dist/src/cli/write-reference.js -->

Millrace reads two kinds of resource, \`KafkaConnector\` and \`KafkaConnectorTopicMap\`, from the files,
folders and standard input that \`-f\` names; a file may hold several documents, in YAML or JSON.
Both have \`apiVersion: ${API_VERSION}\` and a \`metadata.name\`; namespaces make
no difference. \`millrace validate\` says what is wrong with them, each problem with its line.

A field marked *extension* is Millrace's own: the resources it reads work without it. A field that is
not listed here is an error, and a field without a value counts as left out.

Secrets and config maps are named, never written into a field. They come from \`Secret\` and
\`ConfigMap\` documents beside the resources, or from the folders that \`--secrets-dir\` and
\`--config-maps-dir\` name, laid out as Kubernetes mounts them: one folder for each, one file for each
key.
`;

const TEMPLATES = `
## Names

**Topic filters** follow MQTT 5: \`+\` is the whole of a level, \`#\` the whole of the last one.
\`$share/<group>/<filter>\` as \`mqttTopic\` is a shared subscription with one subscriber for each
instance.

**Kafka topics** have 1 to 249 letters, digits, \`.\`, \`_\` and \`-\`. As an extension, \`kafkaTopic\` of an
\`mqttToKafka\` route may hold:

| variable | stands for |
| --- | --- |
| \`\${topic}\` | the MQTT topic name, with \`.\` for each \`/\` |
| \`\${topic.N}\` | its level N, counted from 1 |
| \`\${property.NAME}\` | the value of the user property NAME |

**MQTT topics** to publish to have no wildcards. As an extension, \`mqttTopic\` of a \`kafkaToMqtt\` route
may hold:

| variable | stands for |
| --- | --- |
| \`\${key}\` | the key of the record |
| \`\${kafkaTopic}\` | the Kafka topic; \`\${inputTopic}\` is the same |
| \`\${partition}\` | the number of the partition |
| \`\${header.NAME}\` | the value of the last header NAME |

A record that lacks what its template asks for, or whose topic could not be published to, is a dead
letter.

**End points** are \`host:port\`; an IPv6 address stands in brackets, as in \`[::1]:1883\`.
`;

/** The whole page, as it is kept in docs/reference/configuration.md. */
export function configurationReference(): string {
  return [
    INTRODUCTION,
    ...sections('KafkaConnector', KafkaConnectorSpec),
    ...sections('KafkaConnectorTopicMap', KafkaConnectorTopicMapSpec),
    TEMPLATES,
  ].join('');
}

function sections(kind: string, schema: TSchema): readonly string[] {
  const root = schema as FieldSchema;
  return [`\n## ${kind}\n\n${root.description}\n`, ...objectSections(kind, 'spec', root)];
}

/** One section for an object, then one for each object in it. */
function objectSections(kind: string, path: string, schema: FieldSchema): readonly string[] {
  const text = schema.items === undefined ? path : `${path}[]`;
  const object = schema.items ?? schema;
  const isTop = path === 'spec';
  const about = isTop ? '' : `${object.description}\n\n`;
  const result = [`\n### ${kind} ${text}\n\n${about}${table(object)}`];
  for (const [name, field] of Object.entries(object.properties ?? {})) {
    if (isObject(field)) result.push(...objectSections(kind, `${text}.${name}`, field));
  }
  return result;
}

function isObject(schema: FieldSchema): boolean {
  return (schema.items ?? schema).properties !== undefined;
}

function table(object: FieldSchema): string {
  const rows = Object.entries(object.properties ?? {}).map(([name, field]) => [
    `\`${name}\`${field['x-millrace-extension'] === true ? ' *extension*' : ''}`,
    typeOf(field),
    defaultOf(field),
    rangeOf(field),
    requiredOf(name, field, object),
    field.description ?? '',
  ]);
  const heads = ['field', 'type', 'default', 'range', 'required', 'description'];
  return [heads, heads.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |\n`)
    .join('');
}

function typeOf(field: FieldSchema): string {
  if (field.type === 'array')
    return isObject(field) ? 'list of objects' : `list of ${field.items?.type}s`;
  if (field.type !== undefined) return field.type;
  return [...new Set((field.enum ?? []).map((value) => typeof value))].join(' or ');
}

function defaultOf(field: FieldSchema): string {
  const inWords = field[DEFAULT_IN_WORDS];
  if (inWords !== undefined) return inWords;
  if (field.default === undefined) return '';
  if (isObject(field)) return 'its own defaults';
  return `\`${typeof field.default === 'string' ? field.default : JSON.stringify(field.default)}\``;
}

function rangeOf(field: FieldSchema): string {
  if (field.enum !== undefined) return field.enum.map((word) => wordOf(word, field)).join(', ');
  if (field[EXPECTS] !== undefined) return field[EXPECTS];
  if (field.minimum !== undefined) return `${field.minimum} to ${field.maximum}`;
  if (field.type === 'array' && field.items !== undefined && !isObject(field)) {
    return `at most ${field.maxItems}, each ${rangeOf(field.items)}`;
  }
  if (field.type !== 'string') return '';
  const { minLength = 0, maxLength } = field;
  if (maxLength === undefined) return minLength > 0 ? 'not empty' : '';
  return `${minLength} to ${maxLength} characters`;
}

/** Quotes tell the word "true" from the value where both are allowed. */
function wordOf(word: unknown, field: FieldSchema): string {
  return `\`${field.type === 'string' ? word : JSON.stringify(word)}\``;
}

function requiredOf(name: string, field: FieldSchema, object: FieldSchema): string {
  const inWords = field[REQUIRED_IN_WORDS];
  if (inWords !== undefined) return inWords;
  const isNeeded = object.required?.includes(name) === true && field.default === undefined;
  return isNeeded ? 'yes' : 'no';
}
