/* The resources that the demo runs. examples/demo.yaml is this text with `OWN_ENDPOINTS`; a test
 * holds the two against each other.
 */

export interface DemoEndpoints {
  /** HOST:PORT of the MQTT broker. */
  readonly mqtt: string;
  /** Bootstrap servers. */
  readonly kafka: string;
}

/** Where a mosquitto and a Kafka of one's own usually are. */
export const OWN_ENDPOINTS: DemoEndpoints = { mqtt: 'localhost:1883', kafka: 'localhost:9092' };

/** The Kafka topic that commands are written to, and the route that takes the answers. */
export const COMMANDS_TOPIC = 'commands';
export const ANSWERS_ROUTE = 'answers';

export function demoYaml({ mqtt, kafka }: DemoEndpoints): string {
  return `# What \`millrace demo\` runs: plants whose machines speak MQTT, and Kafka, both ways.
# For brokers of your own set the two endpoints, then: millrace run -f FILE
apiVersion: mq.iotoperations.azure.com/v1beta1
kind: KafkaConnector
metadata:
  name: demo
spec:
  clientIdPrefix: millrace
  kafkaConnection:
    endpoint: ${kafka}
    tls:
      tlsEnabled: false
  localBrokerConnection:
    endpoint: ${mqtt}
    # Without this field the Kubernetes token of a pod would be sent where there is one.
    authentication: {}
  logLevel: warn
---
# Readings: many and small. Those of one MQTT topic go to one partition, in order, and a reading
# waits up to 5 ms for others to share a request to Kafka.
apiVersion: mq.iotoperations.azure.com/v1beta1
kind: KafkaConnectorTopicMap
metadata:
  name: demo-readings
spec:
  kafkaConnectorRef: demo
  partitionStrategy: topic
  copyMqttProperties: true
  compression: lz4
  batching:
    enabled: true
    latencyMs: 5
  routes:
    - mqttToKafka:
        name: telemetry
        mqttTopic: plants/+/+/telemetry/+
        kafkaTopic: telemetry
        kafkaAcks: all
        qos: 1
---
# Events: the user property machine-id becomes the key, so those of one machine stay in order.
apiVersion: mq.iotoperations.azure.com/v1beta1
kind: KafkaConnectorTopicMap
metadata:
  name: demo-events
spec:
  kafkaConnectorRef: demo
  partitionStrategy: property
  partitionKeyProperty: machine-id
  copyMqttProperties: true
  routes:
    - mqttToKafka:
        name: events
        mqttTopic: plants/+/+/events
        kafkaTopic: events
        kafkaAcks: all
        qos: 1
---
# Pictures of 3 MB, each with a caption that follows it: one key, so one partition, in order.
apiVersion: mq.iotoperations.azure.com/v1beta1
kind: KafkaConnectorTopicMap
metadata:
  name: demo-pictures
spec:
  kafkaConnectorRef: demo
  partitionStrategy: property
  partitionKeyProperty: machine-id
  copyMqttProperties: true
  routes:
    - mqttToKafka:
        name: pictures
        mqttTopic: plants/+/+/pictures/+
        kafkaTopic: pictures
        kafkaAcks: one
        qos: 1
---
# Commands, the other way: the key names the machine, such as north/press, and headers become MQTT
# properties. Response Topic says where the machine answers, Correlation Data which command it means;
# the answers go to Kafka with the same headers.
apiVersion: mq.iotoperations.azure.com/v1beta1
kind: KafkaConnectorTopicMap
metadata:
  name: demo-commands
spec:
  kafkaConnectorRef: demo
  partitionStrategy: property
  partitionKeyProperty: machine-id
  copyMqttProperties: true
  routes:
    - kafkaToMqtt:
        name: commands
        kafkaTopic: ${COMMANDS_TOPIC}
        mqttTopic: plants/\${key}/commands
        consumerGroupId: millrace-demo
        qos: 1
    - mqttToKafka:
        name: ${ANSWERS_ROUTE}
        mqttTopic: plants/+/+/answers
        kafkaTopic: answers
        kafkaAcks: all
        qos: 1
`;
}
