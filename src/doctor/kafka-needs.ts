/* What the routes of a connector need of Kafka. Pure. */
import type { Connector } from '../config/model.js';
import { compileTemplate } from '../route/template.js';

export interface KafkaNeeds {
  readonly topics: readonly NeededTopic[];
  readonly groups: readonly NeededGroup[];
  /** Names that are made from each message. */
  readonly templates: readonly Needed[];
}

interface Needed {
  readonly name: string;
  /** Routes, as the operator knows them. */
  readonly routes: readonly string[];
}

export interface NeededTopic extends Needed {
  readonly isWritten: boolean;
  readonly isRead: boolean;
}

export type NeededGroup = Needed;

export function kafkaNeeds({ topicMaps }: Connector): KafkaNeeds {
  const routes = topicMaps.flatMap((map) => map.routes);
  const isTemplate = (name: string) => compileTemplate(name).constant === undefined;
  const written = new Map<string, string[]>();
  const read = new Map<string, string[]>();
  const groups = new Map<string, string[]>();
  const templates = new Map<string, string[]>();
  for (const route of routes) {
    const { kafkaTopic, name } = route;
    if (route.kind === 'kafkaToMqtt') {
      add(read, kafkaTopic, name);
      add(groups, route.consumerGroupId, name);
    } else add(isTemplate(kafkaTopic) ? templates : written, kafkaTopic, name);
  }
  const topics = [...new Set([...written.keys(), ...read.keys()])].map((name) => ({
    name,
    routes: [...(written.get(name) ?? []), ...(read.get(name) ?? [])],
    isWritten: written.has(name),
    isRead: read.has(name),
  }));
  return { topics, groups: neededOf(groups), templates: neededOf(templates) };
}

function add(found: Map<string, string[]>, name: string, route: string): void {
  found.set(name, [...(found.get(name) ?? []), route]);
}

function neededOf(found: ReadonlyMap<string, readonly string[]>): Needed[] {
  return [...found].map(([name, routes]) => ({ name, routes }));
}
