/* Consumer groups over all routes to MQTT. The members of a group divide the partitions of a topic, so
 * that two routes in one group would each get a part of the records: what `instances` is for, and
 * never what two routes are for.
 */
import type { ConnectorResource, TopicMapResource } from '../resource.js';
import { shareKafka } from './endpoints.js';
import { consumerGroupOf } from './names.js';

interface Member {
  readonly connector: ConnectorResource;
  readonly kafkaTopic: string;
  /** `file:line` of the route. */
  readonly place: string;
}

export function checkConsumerGroups(
  maps: readonly TopicMapResource[],
  connectors: ReadonlyMap<string, ConnectorResource>,
): void {
  const groups = new Map<string, Member[]>();
  for (const { spec, document, report } of maps) {
    const connector = connectors.get(spec.kafkaConnectorRef ?? '');
    if (connector === undefined) continue;
    for (const [index, route] of (spec.routes ?? []).entries()) {
      const { name, kafkaTopic, consumerGroupId } = route?.kafkaToMqtt ?? {};
      if (name === undefined || kafkaTopic === undefined) continue;
      const path = ['spec', 'routes', index, 'kafkaToMqtt'];
      const field = consumerGroupId === undefined ? 'name' : 'consumerGroupId';
      const group = consumerGroupOf(name, consumerGroupId);
      const place = `${document.file}:${document.lineAt(path)}`;
      const members = groups.get(group) ?? [];
      const others = members.filter((member) => shareKafka(member.connector, connector));
      const rival = others.find((member) => member.kafkaTopic === kafkaTopic);
      const other = rival ?? others[0];
      if (rival !== undefined) {
        report.error([...path, field], {
          message: `consumer group ${group} reads this Kafka topic for another route too: ${rival.place}; each would get a part of the records`,
          hint: 'give one of the two another consumerGroupId',
        });
      } else if (other !== undefined) {
        report.warning([...path, field], {
          message: `consumer group ${group} is that of another route too: ${other.place}; a rebalance of one stops both`,
          hint: 'give one of the two another consumerGroupId',
        });
      }
      groups.set(group, [...members, { connector, kafkaTopic, place }]);
    }
  }
}
