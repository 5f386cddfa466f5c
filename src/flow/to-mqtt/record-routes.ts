/* kafkaToMqtt routes, compiled once for the data path. */
import type { Connector, KafkaToMqttRoute, TopicMap } from '../../config/model.js';
import type { RecordRouteEvents } from '../../metrics/record-route.js';
import { compileMqttTopic, type MqttTopicTemplate } from '../../route/mqtt-topic-template.js';
import { hop } from '../../route/origin.js';
import { PropertiesWriter } from '../../route/to-mqtt.js';

export interface CompiledRecordRoute {
  /** Counts the routes of this direction. */
  readonly index: number;
  readonly name: string;
  readonly route: KafkaToMqttRoute;
  readonly map: TopicMap;
  readonly template: MqttTopicTemplate;
  readonly writer: PropertiesWriter;
  readonly events: RecordRouteEvents;
}

export function compileRecordRoutes(
  connector: Connector,
  eventsOf: (route: string) => RecordRouteEvents,
): CompiledRecordRoute[] {
  const compiled: CompiledRecordRoute[] = [];
  for (const map of connector.topicMaps) {
    for (const route of map.routes) {
      if (route.kind !== 'kafkaToMqtt') continue;
      compiled.push({
        index: compiled.length,
        name: route.name,
        route,
        map,
        writer: new PropertiesWriter({
          copyMqttProperties: map.copyMqttProperties,
          retain: route.retain,
          loopGuard: map.loopGuard,
          through: hop(connector.name, route.name),
        }),
        template: compileMqttTopic(route.mqttTopic, route.kafkaTopic),
        events: eventsOf(route.name),
      });
    }
  }
  return compiled;
}
