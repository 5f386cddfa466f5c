/* Documents -> the model, or every problem in them at once: schemas first, then the rules on what
 * the schemas left standing, so that one misspelt field hides nothing else.
 */
import type { Problem } from '../base/errors.js';
import { buildModel } from './build-model.js';
import type { SourceDocument } from './document.js';
import type { Model } from './model.js';
import { fileProblem, inOrder } from './problem-list.js';
import { type ConnectorResource, readResources, type TopicMapResource } from './resource.js';
import { checkCircles } from './rules/circles.js';
import { checkConnector } from './rules/connector.js';
import { checkConsumerGroups } from './rules/consumer-groups.js';
import { checkTopicMap } from './rules/topic-map.js';
import { type Mounted, ObjectStore, twiceFault } from './secrets.js';

export interface ValidateOptions {
  /** 0-based; which of a connector's `instances` this process is. */
  readonly instanceId: number;
  /** Of the machine: the default of `shards` comes from it. */
  readonly cores: number;
  /** From folders; undefined where no folder was named. */
  readonly secrets?: Mounted | undefined;
  readonly configMaps?: Mounted | undefined;
  /** Some documents could not be read: what seems to be missing may be in them. */
  readonly isIncomplete?: boolean;
}

export interface Validated {
  /** Undefined where there is an error. */
  readonly model: Model | undefined;
  readonly problems: readonly Problem[];
}

/**
 * Documents to a frozen model, or to problems: every one that can be told, in the order of the lines.
 * Reads no file and throws nothing.
 */
export function validate(
  documents: readonly SourceDocument[],
  options: ValidateOptions,
): Validated {
  const problems: Problem[] = [];
  const { connectors, topicMaps, secrets, configMaps } = readResources(documents, problems);
  const stores = {
    secrets: new ObjectStore('Secret', secrets, options.secrets, problems),
    configMaps: new ObjectStore('ConfigMap', configMaps, options.configMaps, problems),
  };
  const byName = indexByName(connectors);
  indexByName(topicMaps);
  for (const connector of connectors) checkConnector(connector, options.instanceId, stores);
  const { isIncomplete = false } = options;
  const context = { connectors: byName, isIncomplete, routeNames: new Map<string, string>() };
  for (const map of topicMaps) checkTopicMap(map, context);
  checkConsumerGroups(topicMaps, byName);
  checkCircles(topicMaps, byName);
  if (!isIncomplete) checkUse(connectors, topicMaps, problems);
  const resources = { connectors, topicMaps };
  const isWrong = problems.some(({ severity }) => severity === 'error');
  const model = isWrong ? undefined : buildModel(resources, options);
  return { model, problems: inOrder(problems) };
}

/** The first of each name; the second of a name is reported. */
function indexByName<R extends ConnectorResource | TopicMapResource>(
  resources: readonly R[],
): ReadonlyMap<string, R> {
  const byName = new Map<string, R>();
  for (const resource of resources) {
    const { kind, name, report } = resource;
    if (name === '') continue;
    const first = byName.get(name);
    if (first === undefined) byName.set(name, resource);
    else {
      const place = `${first.document.file}:${first.document.lineAt([])}`;
      report.error(['metadata', 'name'], twiceFault(kind, name, place));
    }
  }
  return byName;
}

/** A connector that nobody uses is no error: its topic maps may come later. */
function checkUse(
  connectors: readonly ConnectorResource[],
  topicMaps: readonly TopicMapResource[],
  problems: Problem[],
): void {
  const used = new Set(topicMaps.map(({ spec }) => spec.kafkaConnectorRef));
  for (const { name, report } of connectors) {
    if (name === '' || used.has(name)) continue;
    const hint = 'add a KafkaConnectorTopicMap with this kafkaConnectorRef';
    report.warning([], { message: 'no topic map refers to it, so it carries nothing', hint });
  }
  if (connectors.length > 0) return;
  const fault = { message: 'there is no KafkaConnector', hint: 'give a file that has one with -f' };
  problems.push(fileProblem('', 0, fault));
}
