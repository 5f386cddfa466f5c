/* The example of the connector's documentation as it stands there, placeholders included. */
export const REFERENCE_EXAMPLE = `apiVersion: mq.iotoperations.azure.com/v1beta1
kind: KafkaConnector
metadata:
  name: my-eh-connector
  namespace: <SAME NAMESPACE AS BROKER> # For example "{{% namespace %}}"
spec:
  image:
    pullPolicy: IfNotPresent
    repository: e4kpreview.azurecr.io/kafka
    tag: {{% version %}}
  instances: 2
  clientIdPrefix: my-prefix
  kafkaConnection:
    # Port 9093 is Event Hub's Kakfa endpoint
    # Supports bootstrap server syntax
    endpoint: <NAMESPACE>.servicebus.windows.net:9093
    tls:
      tlsEnabled: true
      # caConfigMap: not-required-for-eh
    authentication:
      enabled: true
      authType:
        sasl:
          saslType: plain
          secretName: cs-secret
  ## Uncomment to customize local broker connection
  # localBrokerConnection:
  #   endpoint: "aio-mq-dmqtt-frontend:1883"
  #   tls:
  #     tlsEnabled: false
  #   authentication:
  #     kubernetes: {}
---
apiVersion: mq.iotoperations.azure.com/v1beta1
kind: KafkaConnectorTopicMap
metadata:
  name: my-eh-topic-map
  namespace: <SAME NAMESPACE AS BROKER> # For example "{{% namespace %}}"
spec:
  kafkaConnectorRef: my-eh-connector
  compression: snappy
  batching:
    enabled: true
    latencyMs: 1000
    maxMessages: 100
    maxBytes: 1024
  partitionStrategy: property
  partitionKeyProperty: device-id
  copyMqttProperties: true
  routes:
    # Subscribe from MQTT topic "temperature-alerts/#" and send to Kafka topic "receiving-event-hub"
    - mqttToKafka:
        name: "route1"
        mqttTopic: temperature-alerts/#
        kafkaTopic: receiving-event-hub
        kafkaAcks: one
        qos: 1
        sharedSubscription:
          groupName: group1
          groupMinimumShareNumber: 3
    # Pull from kafka topic "sending-event-hub" and publish to MQTT topic "heater-commands"
    - kafkaToMqtt:
        name: "route2"
        consumerGroupId: e4kconnector
        kafkaTopic: sending-event-hub
        mqttTopic: heater-commands
        qos: 0
`;
