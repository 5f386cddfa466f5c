/* What Kafka says of topics and consumer groups -> steps. */
import { plural } from '../base/plural.js';
import type {
  InspectedGroup,
  InspectedTopic,
  KafkaInspection,
} from '../channel/kafka-inspection.js';
import type { Connector } from '../config/model.js';
import { type KafkaNeeds, kafkaNeeds, type NeededGroup, type NeededTopic } from './kafka-needs.js';
import type { Steps } from './report.js';
import { FAILED_BEFORE } from './words.js';

const UNTOLD = 'cannot be told: Kafka does not say';
/** What a batch of records has around a payload that is alone in it, with a short topic name and key. */
const BATCH_OVERHEAD_BYTES = 256;
/** "Maximum size of Event Hubs publication", 1 MB in Standard, Premium and Dedicated (event-hubs-quotas). */
const EVENT_HUBS_BYTES = 1_048_576;

/** @param inspection undefined: Kafka could not be asked */
export function checkTopics(
  steps: Steps,
  connector: Connector,
  inspection: KafkaInspection | undefined,
): void {
  const needs = kafkaNeeds(connector);
  const topics = new Map(inspection?.topics.map((topic) => [topic.name, topic]));
  for (const needed of needs.topics) {
    const topic = topics.get(needed.name);
    if (topic === undefined) skipTopic(steps, needed, true);
    else checkTopic(steps, needed, topic, connector);
  }
  skipTemplates(steps, needs);
  const groups = new Map(inspection?.groups.map((group) => [group.name, group]));
  for (const needed of needs.groups) {
    const group = groups.get(needed.name);
    if (group === undefined) steps.skip(['group'], needed.name, FAILED_BEFORE);
    else checkGroup(steps, needed, group);
  }
}

function skipTemplates(steps: Steps, { templates }: KafkaNeeds): void {
  for (const { name, routes } of templates) {
    steps.skip(
      ['topic'],
      name,
      `cannot be checked before messages come, which name the topic (${routesText(routes)})`,
    );
  }
}

function checkTopic(
  steps: Steps,
  needed: NeededTopic,
  topic: InspectedTopic,
  connector: Connector,
): void {
  const { name, routes, isRead, isWritten } = needed;
  const { exists, error, partitions } = topic;
  if (error !== undefined || exists === false) {
    const text = error ?? `there is no topic ${name}: create it, or correct its name`;
    steps.add('failed', 'topic', name, `${text} (${routesText(routes)})`);
    skipTopic(steps, needed, false);
    return;
  }
  if (exists === undefined) steps.add('skipped', 'topic', name, UNTOLD);
  else steps.add('passed', 'topic', name, plural(partitions, 'partition'));
  if (isWritten) checkSize(steps, topic, connector);
  if (isWritten) checkRight(steps, 'write', 'Write', needed, topic.mayWrite);
  if (isRead) checkRight(steps, 'read', 'Read', needed, topic.mayRead);
}

function skipTopic(steps: Steps, { name, isRead, isWritten }: NeededTopic, all: boolean): void {
  if (all) steps.skip(['topic'], name, FAILED_BEFORE);
  if (isWritten) steps.skip(['size', 'write'], name, FAILED_BEFORE);
  if (isRead) steps.skip(['read'], name, FAILED_BEFORE);
}

function checkSize(
  steps: Steps,
  { name, maxMessageBytes }: InspectedTopic,
  { kafka, maxPayloadBytes }: Connector,
): void {
  if (maxMessageBytes === undefined && kafka.isEventHubs && maxPayloadBytes > EVENT_HUBS_BYTES) {
    const text = `Event Hubs take ${EVENT_HUBS_BYTES} bytes, and maxPayloadBytes is ${maxPayloadBytes}`;
    steps.add(
      'warning',
      'size',
      name,
      `${text}: larger messages become dead letters there; lower it`,
    );
  } else if (maxMessageBytes === undefined) {
    steps.add('skipped', 'size', name, UNTOLD);
  } else if (maxMessageBytes < maxPayloadBytes + BATCH_OVERHEAD_BYTES) {
    steps.add(
      'warning',
      'size',
      name,
      `max.message.bytes is ${maxMessageBytes}, and maxPayloadBytes is ${maxPayloadBytes}: Kafka refuses ` +
        'larger messages, which become dead letters; raise max.message.bytes of the topic, or lower ' +
        'maxPayloadBytes',
    );
  } else steps.add('passed', 'size', name, `max.message.bytes is ${maxMessageBytes}`);
}

function checkRight(
  steps: Steps,
  check: 'write' | 'read',
  operation: string,
  { name, routes }: NeededTopic,
  may: boolean | undefined,
): void {
  if (may === true) steps.add('passed', check, name, 'allowed');
  else if (may === undefined) steps.add('skipped', check, name, UNTOLD);
  else {
    const text = `Kafka does not allow it (${routesText(routes)}): add an ACL that allows our user ${operation} on the topic`;
    steps.add('failed', check, name, text);
  }
}

function checkGroup(
  steps: Steps,
  { name, routes }: NeededGroup,
  { mayJoin, error }: InspectedGroup,
): void {
  if (error !== undefined || mayJoin === false) {
    const text =
      error ?? 'Kafka does not let us join it: add an ACL that allows our user Read on the group';
    steps.add('failed', 'group', name, `${text} (${routesText(routes)})`);
  } else if (mayJoin === undefined) steps.add('skipped', 'group', name, UNTOLD);
  else steps.add('passed', 'group', name, 'may be joined');
}

function routesText(routes: readonly string[]): string {
  return `${routes.length === 1 ? 'route' : 'routes'} ${routes.join(', ')}`;
}
