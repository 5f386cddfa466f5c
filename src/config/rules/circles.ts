/* Circles: a route publishes from Kafka to MQTT what another one takes back to the same Kafka topic.
 * Where every message goes round it is refused; where it depends on the messages there is a warning,
 * because a topic that is made from a key can be anything. At run time each message carries its path
 * (route/origin.ts), which stops it after one round; here it is found before there is one.
 *
 * The circle is looked for among routes to MQTT; what leads from one to the next is a route to Kafka.
 */
import type { Path } from '../problem-list.js';
import type { ConnectorResource, TopicMapResource } from '../resource.js';
import { shareKafka, shareMqtt } from './endpoints.js';
import { mqttTopicTemplateFault, splitSharedFilter, topicFilterFault } from './names.js';
import {
  type FilterPattern,
  filterPattern,
  isText,
  kafkaTopicPattern,
  meetsFilter,
  mqttTopicPattern,
  narrowed,
  type Pattern,
  patternIs,
} from './topic-patterns.js';

interface Place {
  readonly connector: ConnectorResource;
  readonly map: TopicMapResource;
  readonly name: string;
  readonly path: Path;
}

interface Publisher extends Place {
  readonly kafkaTopic: string;
  readonly mqttTopic: string;
  readonly topic: Pattern;
}

interface Subscriber extends Place {
  readonly kafkaTopic: string;
  readonly filter: FilterPattern;
}

/** From one route to MQTT by a route to Kafka to the next. */
interface Step {
  readonly from: Publisher;
  readonly by: Subscriber;
  readonly to: Publisher;
  /** Whether every message takes it. */
  readonly isCertain: boolean;
}

export function checkCircles(
  maps: readonly TopicMapResource[],
  connectors: ReadonlyMap<string, ConnectorResource>,
): void {
  const publishers: Publisher[] = [];
  const subscribers: Subscriber[] = [];
  for (const map of maps) {
    const connector = connectors.get(map.spec.kafkaConnectorRef ?? '');
    if (connector !== undefined) readRoutes(map, connector, publishers, subscribers);
  }
  const steps = new Map(publishers.map((from) => [from, stepsFrom(from, subscribers, publishers)]));
  const reported = new Set<Publisher>();
  for (const isCertain of [true, false]) {
    for (const start of publishers) {
      if (reported.has(start)) continue;
      const circle = shortestCircle(start, (from) =>
        (steps.get(from) ?? []).filter((step) => step.isCertain || !isCertain),
      );
      if (circle === undefined) continue;
      for (const { from } of circle) reported.add(from);
      report(circle, isCertain);
    }
  }
}

function readRoutes(
  map: TopicMapResource,
  connector: ConnectorResource,
  publishers: Publisher[],
  subscribers: Subscriber[],
): void {
  for (const [index, route] of (map.spec.routes ?? []).entries()) {
    const path = ['spec', 'routes', index];
    const { mqttToKafka: toKafka, kafkaToMqtt: toMqtt } = route ?? {};
    // Which of the two is meant has to be said first.
    if (toKafka !== undefined && toMqtt !== undefined) continue;
    if (toKafka?.mqttTopic !== undefined && toKafka.kafkaTopic !== undefined) {
      const { name = '', mqttTopic, kafkaTopic } = toKafka;
      if (topicFilterFault(mqttTopic) !== undefined) continue;
      const filter = filterPattern(splitSharedFilter(mqttTopic)?.topicFilter ?? mqttTopic);
      subscribers.push({ connector, map, name, path, kafkaTopic, filter });
    }
    if (toMqtt?.mqttTopic !== undefined && toMqtt.kafkaTopic !== undefined) {
      const { name = '', mqttTopic, kafkaTopic, allowLoop } = toMqtt;
      if (allowLoop === true || mqttTopicTemplateFault(mqttTopic) !== undefined) continue;
      const topic = mqttTopicPattern(mqttTopic, kafkaTopic);
      publishers.push({ connector, map, name, path, kafkaTopic, mqttTopic, topic });
    }
  }
}

function stepsFrom(
  from: Publisher,
  subscribers: readonly Subscriber[],
  publishers: readonly Publisher[],
): Step[] {
  return subscribers.flatMap((by) => {
    if (!shareMqtt(from.connector, by.connector)) return [];
    const subscribed = meetsFilter(from.topic, by.filter);
    if (subscribed === 'never') return [];
    const written = kafkaTopicPattern(by.kafkaTopic, narrowed(from.topic, by.filter));
    if (written === undefined) return [];
    return publishers.flatMap((to): Step[] => {
      const read = patternIs(written, to.kafkaTopic);
      if (read === 'never' || !shareKafka(by.connector, to.connector)) return [];
      return [{ from, by, to, isCertain: subscribed === 'always' && read === 'always' }];
    });
  });
}

/** The fewest steps that lead from a route back to it. */
function shortestCircle(
  start: Publisher,
  stepsOf: (from: Publisher) => readonly Step[],
): readonly Step[] | undefined {
  const ways = new Map<Publisher, readonly Step[]>([[start, []]]);
  // What is added meanwhile is walked too: each route once.
  for (const [from, way] of ways) {
    for (const step of stepsOf(from)) {
      if (step.to === start) return [...way, step];
      if (!ways.has(step.to)) ways.set(step.to, [...way, step]);
    }
  }
  return undefined;
}

function report(circle: readonly Step[], isCertain: boolean): void {
  const [first] = circle as readonly [Step, ...Step[]];
  const { map, path } = first.from;
  const written = `Kafka topic ${first.from.kafkaTopic}${circle.map(stepText).join('')}`;
  const field = [...path, 'kafkaToMqtt', 'mqttTopic'];
  if (isCertain) {
    map.report.error(field, {
      message: `messages would go in a circle: ${written}`,
      hint: 'publish to another topic or read fewer, or write allowLoop: true',
    });
  } else {
    map.report.warning(field, {
      message: `messages may go in a circle, if their topics come out so: ${written}`,
      hint: 'choose topics that cannot meet, or write allowLoop: true',
    });
  }
}

function stepText({ from, by, to }: Step): string {
  const gap = isText(from.topic) ? '' : ' filled in';
  return (
    ` -> ${placeText(from, 'kafkaToMqtt')} -> MQTT topic ${from.mqttTopic}${gap}` +
    ` -> ${placeText(by, 'mqttToKafka')} -> Kafka topic ${to.kafkaTopic}`
  );
}

function placeText({ connector, map, name, path }: Place, direction: string): string {
  const { file } = map.document;
  return `${connector.name}/${name} (${file}:${map.document.lineAt([...path, direction])})`;
}
