/* The envelope of both kinds: apiVersion, kind, metadata, spec, status. What comes out of a
 * document here is checked against its schema, has its defaults, and keeps its lines.
 */
import { type TSchema, Type } from '@sinclair/typebox';
import type { ValidateFunction } from 'ajv';
import type { Problem } from '../base/errors.js';
import type { SourceDocument } from './document.js';
import { objectName, type Partially } from './kinds/field.js';
import { KafkaConnectorSpec } from './kinds/kafka-connector.js';
import { KafkaConnectorTopicMapSpec } from './kinds/kafka-connector-topic-map.js';
import { nearest } from './nearest.js';
import { formatPath, type Path, quote, type Reporter, reporterFor } from './problem-list.js';
import { check, compile, remove } from './schema.js';

export const API_VERSION = 'mq.iotoperations.azure.com/v1beta1';

export interface Resource<Kind extends string, Spec> {
  readonly kind: Kind;
  /** Empty where the document has none that can be used. */
  readonly name: string;
  readonly document: SourceDocument;
  /** What was right in it. */
  readonly spec: Partially<Spec>;
  /** The whole of it, where the schema found nothing wrong. */
  readonly complete: Spec | undefined;
  readonly report: Reporter;
}

export type ConnectorResource = Resource<'KafkaConnector', KafkaConnectorSpec>;
export type TopicMapResource = Resource<'KafkaConnectorTopicMap', KafkaConnectorTopicMapSpec>;

export interface Resources {
  readonly connectors: readonly ConnectorResource[];
  readonly topicMaps: readonly TopicMapResource[];
}

export interface Sorted extends Resources {
  readonly secrets: readonly SourceDocument[];
  readonly configMaps: readonly SourceDocument[];
}

interface Envelope<Spec> {
  metadata: { name: string };
  spec: Spec;
}

const KINDS = ['KafkaConnector', 'KafkaConnectorTopicMap', 'Secret', 'ConfigMap'] as const;
const connectorValidator = compile<Envelope<KafkaConnectorSpec>>(
  envelope('KafkaConnector', KafkaConnectorSpec),
);
const topicMapValidator = compile<Envelope<KafkaConnectorTopicMapSpec>>(
  envelope('KafkaConnectorTopicMap', KafkaConnectorTopicMapSpec),
);

function envelope(kind: string, spec: TSchema): TSchema {
  return Type.Object(
    {
      apiVersion: Type.Literal(API_VERSION),
      kind: Type.Literal(kind),
      // Kubernetes writes more into metadata than anybody here should have to know.
      metadata: Type.Object(
        {
          name: objectName('The name of the resource.'),
          namespace: Type.Optional(Type.String({ minLength: 1 })),
        },
        { description: 'The name of the resource, and what Kubernetes keeps beside it.' },
      ),
      spec,
      status: Type.Optional(Type.Unknown()),
    },
    { additionalProperties: false },
  );
}

/** Sorts documents by kind and checks each against its schema. */
export function readResources(documents: readonly SourceDocument[], problems: Problem[]): Sorted {
  const connectors: ConnectorResource[] = [];
  const topicMaps: TopicMapResource[] = [];
  const secrets: SourceDocument[] = [];
  const configMaps: SourceDocument[] = [];
  for (const document of documents) {
    const kind = fieldOf(document.value, 'kind');
    if (kind === 'KafkaConnector') {
      connectors.push(readResource(kind, document, connectorValidator, problems));
    } else if (kind === 'KafkaConnectorTopicMap') {
      topicMaps.push(readResource(kind, document, topicMapValidator, problems));
    } else if (kind === 'Secret') secrets.push(document);
    else if (kind === 'ConfigMap') configMaps.push(document);
    else reportKind(document, kind, problems);
  }
  return { connectors, topicMaps, secrets, configMaps };
}

function readResource<Kind extends string, Spec>(
  kind: Kind,
  document: SourceDocument,
  validator: ValidateFunction<Envelope<Spec>>,
  problems: Problem[],
): Resource<Kind, Spec> {
  const report = reporterFor(problems, document, labelOf(kind, document));
  reportPlaceholders(document, report);
  const faults = check(validator, document.value);
  for (const fault of faults) {
    if (!holdsPlaceholder(document, fault.path)) report.error(fault.path, fault);
  }
  for (const { path } of [...faults, ...document.placeholders]) remove(document.value, path);
  const whole = faults.length === 0 && document.placeholders.length === 0;
  const spec = fieldOf(document.value, 'spec') ?? {};
  return {
    kind,
    name: nameOf(document),
    document,
    spec: spec as Partially<Spec>,
    complete: whole ? (spec as Spec) : undefined,
    report,
  };
}

/** One error for each placeholder that nobody has filled in. */
export function reportPlaceholders(document: SourceDocument, report: Reporter): void {
  for (const { path, text } of document.placeholders) {
    report.error(path, {
      message: `still has the placeholder ${text}`,
      hint: 'fill it in with a value of your own',
    });
  }
}

function holdsPlaceholder(document: SourceDocument, path: Path): boolean {
  const text = formatPath(path);
  return document.placeholders.some((placeholder) => formatPath(placeholder.path) === text);
}

function reportKind(document: SourceDocument, kind: unknown, problems: Problem[]): void {
  const report = reporterFor(problems, document, '');
  if (typeof document.value !== 'object' || Array.isArray(document.value)) {
    report.error([], { message: 'is no resource', hint: 'begin with apiVersion: and kind:' });
  } else if (typeof kind !== 'string') {
    report.error(['kind'], { message: 'is missing', hint: `must be one of ${KINDS.join(', ')}` });
  } else {
    const near = nearest(kind, KINDS);
    const hint =
      near === undefined ? `must be one of ${KINDS.join(', ')}` : `did you mean ${near}?`;
    report.error(['kind'], { message: `${quote(kind)} is not known here`, hint });
  }
}

/** `Kind/name`, as problems name a resource; the kind alone where it has no name. */
export function labelOf(kind: string, document: SourceDocument): string {
  const name = nameOf(document);
  return name === '' ? kind : `${kind}/${name}`;
}

/** `metadata.name`; empty where it is missing or no string. */
export function nameOf(document: SourceDocument): string {
  const name = fieldOf(fieldOf(document.value, 'metadata'), 'name');
  return typeof name === 'string' ? name : '';
}

/** One field of something that may not even be a mapping. */
export function fieldOf(value: unknown, field: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return (value as Record<string, unknown>)[field];
}
