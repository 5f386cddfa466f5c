// The bridge that a good engineer would write today with paho.golang and franz-go: MQTT v5 to Kafka with the
// PUBACK after Kafka's answer, or Kafka to MQTT with the offset committed after the PUBACK. A lost
// connection or a refusal ends the process unacknowledged, for a supervisor to start it again.
package main

import (
	"context"
	"flag"
	"log"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/eclipse/paho.golang/paho/session/state"
	"github.com/twmb/franz-go/pkg/kgo"
)

var (
	mqttAddress    = flag.String("mqtt", "127.0.0.1:1883", "address of the MQTT broker")
	kafkaAddresses = flag.String("kafka", "127.0.0.1:9092", "bootstrap servers")
	direction      = flag.String("direction", "mqtt-to-kafka", "or kafka-to-mqtt")
	filter         = flag.String("filter", "bench/#", "topic filter that is subscribed to")
	prefix         = flag.String("prefix", "feed/", "before the key: the topic name that is published to")
	kafkaTopic     = flag.String("topic", "bench", "Kafka topic")
	group          = flag.String("group", "go-reference", "consumer group")
	qos            = flag.Int("qos", 1, "0 or 1")
	receiveMaximum = flag.Int("receive-maximum", 8000, "most PUBLISHes without a PUBACK")
	acks           = flag.String("acks", "one", "zero, one or all")
	linger         = flag.Duration("linger", 0, "how long a batch waits for more")
	compression    = flag.String("compression", "none", "none, gzip, snappy or lz4")
	batchBytes     = flag.Int("batch-bytes", 1_000_012, "largest batch")
	inFlight       = flag.Int("in-flight", 5, "produce requests in flight to a broker")
	copyProperties = flag.Bool("copy-properties", false, "user properties, topic, QoS and retain to headers")
	manualAcks     = flag.Bool("manual-acks", false, "let paho.golang keep the order of the PUBACKs")
	gcPercent      = flag.Int("gogc", 400, "GOGC")
	flushDelay     = flag.Duration("flush-delay", 200*time.Microsecond, "how long written packets wait for more")
)

func main() {
	flag.Parse()
	debug.SetGCPercent(*gcPercent)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if *direction == "kafka-to-mqtt" {
		kafkaToMqtt(ctx)
	} else {
		mqttToKafka(ctx)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// dial connects; paho says `OnClientError` and ends the process when the connection is lost.
func dial(ctx context.Context, session *deferredAcks, onPublish func(paho.PublishReceived) (bool, error)) *paho.Client {
	client := paho.NewClient(paho.ClientConfig{
		EnableManualAcknowledgment: *manualAcks,
		SendAcksInterval:           time.Millisecond,
		Conn:                       dialBuffered(*mqttAddress, *flushDelay),
		Session:                    session,
		OnPublishReceived:          []func(paho.PublishReceived) (bool, error){onPublish},
		OnClientError:              func(err error) { endUnlessStopped(ctx, err) },
		OnServerDisconnect:         func(d *paho.Disconnect) { log.Fatalf("disconnected: %d", d.ReasonCode) },
	})
	maximum := uint16(*receiveMaximum)
	expiry := uint32(3600)
	_, err := client.Connect(ctx, &paho.Connect{
		ClientID:   *group,
		KeepAlive:  30,
		Properties: &paho.ConnectProperties{ReceiveMaximum: &maximum, SessionExpiryInterval: &expiry},
	})
	check(err)
	return client
}

func endUnlessStopped(ctx context.Context, err error) {
	if ctx.Err() == nil {
		log.Fatal(err)
	}
}

func seeds() kgo.Opt { return kgo.SeedBrokers(strings.Split(*kafkaAddresses, ",")...) }

func mqttToKafka(ctx context.Context) {
	producer, err := kgo.NewClient(append(producing(), seeds())...)
	check(err)
	session := &deferredAcks{State: state.NewInMemory()}
	queue := newAckQueue(*receiveMaximum, func(packetID uint16) {
		_ = session.State.Ack(&packets.Publish{PacketID: packetID, QoS: 1})
	})
	client := dial(ctx, session, func(received paho.PublishReceived) (bool, error) {
		p := received.Packet
		record := &kgo.Record{Topic: *kafkaTopic, Key: []byte(p.Topic), Value: p.Payload}
		if *copyProperties {
			record.Headers = headersOf(p)
		}
		if p.QoS == 0 {
			producer.Produce(ctx, record, nil)
			return true, nil
		}
		if *manualAcks {
			producer.Produce(context.Background(), record, func(_ *kgo.Record, err error) {
				check(err)
				check(received.Client.Ack(p))
			})
			return true, nil
		}
		ticket := queue.open(p.PacketID)
		producer.Produce(context.Background(), record, func(_ *kgo.Record, err error) {
			check(err)
			queue.settle(ticket)
		})
		return true, nil
	})
	_, err = client.Subscribe(ctx, &paho.Subscribe{
		Subscriptions: []paho.SubscribeOptions{{Topic: *filter, QoS: byte(*qos)}},
	})
	check(err)
	<-ctx.Done()
	_ = client.Disconnect(&paho.Disconnect{})
	producer.Close()
}

func producing() []kgo.Opt {
	options := []kgo.Opt{
		kgo.ProducerLinger(*linger),
		kgo.ProducerBatchMaxBytes(int32(*batchBytes)),
		kgo.ProducerBatchCompression(codecOf(*compression)),
		kgo.MaxBufferedRecords(*receiveMaximum + 1),
	}
	switch *acks {
	case "all": // idempotent, which is franz-go's own default
		return append(options, kgo.RequiredAcks(kgo.AllISRAcks()))
	case "one":
		options = append(options, kgo.RequiredAcks(kgo.LeaderAck()))
	default:
		options = append(options, kgo.RequiredAcks(kgo.NoAck()))
	}
	return append(options, kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(*inFlight))
}

func codecOf(name string) kgo.CompressionCodec {
	switch name {
	case "gzip":
		return kgo.GzipCompression()
	case "snappy":
		return kgo.SnappyCompression()
	case "lz4":
		return kgo.Lz4Compression()
	}
	return kgo.NoCompression()
}

func headersOf(p *paho.Publish) []kgo.RecordHeader {
	headers := make([]kgo.RecordHeader, 0, 3+len(p.Properties.User))
	headers = append(headers,
		kgo.RecordHeader{Key: "mqtt-topic", Value: []byte(p.Topic)},
		kgo.RecordHeader{Key: "mqtt-qos", Value: []byte{'0' + p.QoS}},
		kgo.RecordHeader{Key: "mqtt-retain", Value: flagText[p.Retain]})
	for _, property := range p.Properties.User {
		headers = append(headers, kgo.RecordHeader{Key: property.Key, Value: []byte(property.Value)})
	}
	return headers
}

var flagText = map[bool][]byte{false: []byte("false"), true: []byte("true")}

// published is a record on its way; nil `acked`: QoS 0, nobody answers.
type published struct {
	acked  chan packets.ControlPacket
	record *kgo.Record
	isLast bool // of those that one fetch brought of a partition
}

func kafkaToMqtt(ctx context.Context) {
	consumer, err := kgo.NewClient(seeds(), kgo.ConsumerGroup(*group), kgo.ConsumeTopics(*kafkaTopic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.AutoCommitMarks(),
		kgo.AutoCommitInterval(time.Second), kgo.FetchMaxPartitionBytes(4<<20))
	check(err)
	session := &deferredAcks{State: state.NewInMemory()}
	client := dial(ctx, session, func(paho.PublishReceived) (bool, error) { return true, nil })
	onWay := make(chan published, 65_535)
	go func() {
		for p := range onWay {
			awaitPuback(p)
			if p.isLast {
				consumer.MarkCommitRecords(p.record)
			}
		}
	}()
	for ctx.Err() == nil {
		fetches := consumer.PollFetches(ctx)
		fetches.EachError(func(_ string, _ int32, err error) { endUnlessStopped(ctx, err) })
		fetches.EachPartition(func(partition kgo.FetchTopicPartition) {
			for n, record := range partition.Records {
				onWay <- published{publish(ctx, client, session, record), record, n == len(partition.Records)-1}
			}
		})
	}
	_ = client.Disconnect(&paho.Disconnect{})
	consumer.Close()
}

// publish sends without waiting for the answer; the session blocks it at the broker's Receive Maximum.
func publish(ctx context.Context, client *paho.Client, session *deferredAcks, record *kgo.Record) chan packets.ControlPacket {
	p := &paho.Publish{QoS: byte(*qos), Topic: *prefix + string(record.Key), Payload: record.Value,
		Properties: &paho.PublishProperties{User: userPropertiesOf(record)}}
	if p.QoS == 0 {
		_, err := client.Publish(ctx, p)
		check(err)
		return nil
	}
	acked := make(chan packets.ControlPacket, 1)
	packet := p.Packet()
	check(session.AddToSession(ctx, packet, acked))
	_, err := packet.WriteTo(session.conn)
	check(err)
	return acked
}

func userPropertiesOf(record *kgo.Record) paho.UserProperties {
	var properties paho.UserProperties
	for _, header := range record.Headers {
		properties.Add(header.Key, string(header.Value))
	}
	return properties
}

func awaitPuback(p published) {
	if p.acked == nil {
		return
	}
	answer := <-p.acked
	puback, ok := answer.Content.(*packets.Puback)
	if !ok || puback.ReasonCode >= 0x80 {
		log.Fatalf("not acknowledged: offset %d of partition %d", p.record.Offset, p.record.Partition)
	}
}
