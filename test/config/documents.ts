/* Documents for the tests of the configuration, and how a test says what is wrong with them. */
import type { Problem } from '../../src/base/errors.js';
import { parseDocuments } from '../../src/config/document.js';
import type { Model } from '../../src/config/model.js';
import { type Validated, type ValidateOptions, validate } from '../../src/config/validate.js';

const API = 'apiVersion: mq.iotoperations.azure.com/v1beta1';
export const FILE = 'test.yaml';

function indent(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}

export const KAFKA = 'kafkaConnection: { endpoint: "kafka:9092", tls: { tlsEnabled: false } }';

/** A KafkaConnector `c` with these lines in its spec. */
export function connector(spec: string = KAFKA, name = 'c'): string {
  return `---\n${API}\nkind: KafkaConnector\nmetadata:\n  name: ${name}\nspec:\n${indent(spec)}\n`;
}

export const ROUTE = 'routes: [{ mqttToKafka: { name: r, mqttTopic: a/#, kafkaTopic: t } }]';

/** A KafkaConnectorTopicMap `m` of connector `c` with these lines in its spec. */
export function topicMap(spec: string = ROUTE, name = 'm', ref = 'c'): string {
  const lines = `kafkaConnectorRef: ${ref}\n${spec}`;
  const kind = 'kind: KafkaConnectorTopicMap';
  return `---\n${API}\n${kind}\nmetadata:\n  name: ${name}\nspec:\n${indent(lines)}\n`;
}

/** A topic map with one mqttToKafka route of these lines. */
export function toKafka(route: string, spec = ''): string {
  const fields = indent(indent(indent(`name: r\n${route}`)));
  return topicMap(`${spec}\nroutes:\n  - mqttToKafka:\n${fields}`.trimStart());
}

/** A topic map with one kafkaToMqtt route of these lines. */
export function toMqtt(route: string): string {
  return topicMap(`routes:\n  - kafkaToMqtt:\n${indent(indent(indent(`name: r\n${route}`)))}`);
}

export function check(text: string, options: Partial<ValidateOptions> = {}): Validated {
  const { documents, problems } = parseDocuments(FILE, text);
  const checked = validate(documents, { instanceId: 0, cores: 4, ...options });
  return { ...checked, problems: [...problems, ...checked.problems] };
}

/** The model of documents in which nothing is wrong. */
export function modelOf(text: string, options: Partial<ValidateOptions> = {}): Model {
  const { model, problems } = check(text, options);
  if (model === undefined) throw new Error(JSON.stringify(problems, null, 2));
  return model;
}

/** The line that is marked with `# <-`, or with `# <-2` and the like. */
export function markedLine(text: string, mark = ''): number {
  const index = text.split('\n').findIndex((line) => line.trimEnd().endsWith(`# <-${mark}`));
  if (index < 0) throw new Error(`no line is marked with # <-${mark}`);
  return index + 1;
}

/** What one rule should say of `text`; the line is the marked one. */
export interface Case {
  readonly title: string;
  readonly text: string;
  readonly severity?: Problem['severity'];
  readonly resource: string;
  readonly path: string;
  readonly message: string;
  readonly hint: string;
  readonly options?: Partial<ValidateOptions>;
}

export function expectedProblem(one: Case): Problem {
  return {
    severity: one.severity ?? 'error',
    file: FILE,
    line: markedLine(one.text),
    resource: one.resource,
    path: one.path,
    message: one.message,
    hint: one.hint,
  };
}
