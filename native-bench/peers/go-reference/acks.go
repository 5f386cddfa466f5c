package main

import (
	"io"
	"sync"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho/session/state"
)

// deferredAcks leaves the PUBACK that paho.golang would send after the handler to the ackQueue. Paho's own
// manual acknowledgement searches a list of all that are in flight, twice a message, and looks for what is
// to be sent by a timer.
type deferredAcks struct {
	*state.State
	conn io.Writer
}

func (s *deferredAcks) Ack(p *packets.Publish) error {
	if *manualAcks {
		return s.State.Ack(p)
	}
	return nil
}

func (s *deferredAcks) ConAckReceived(conn io.Writer, cp *packets.Connect, ca *packets.Connack) error {
	s.conn = conn
	return s.State.ConAckReceived(conn, cp, ca)
}

// ackQueue acknowledges in the order of receipt [MQTT-4.6.0-2], whatever order Kafka answers in.
type ackQueue struct {
	mutex     sync.Mutex
	packetIDs []uint16 // by ticket, modulo their number
	settled   []bool
	head      uint64
	tail      uint64
	ack       func(packetID uint16)
}

func newAckQueue(size int, ack func(uint16)) *ackQueue {
	return &ackQueue{packetIDs: make([]uint16, size), settled: make([]bool, size), ack: ack}
}

// open gives a ticket. No more than the Receive Maximum are open at any time: the broker sees to it.
func (q *ackQueue) open(packetID uint16) uint64 {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	ticket := q.tail
	q.packetIDs[ticket%uint64(len(q.packetIDs))] = packetID
	q.tail++
	return ticket
}

func (q *ackQueue) settle(ticket uint64) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	size := uint64(len(q.settled))
	q.settled[ticket%size] = true
	for q.head < q.tail && q.settled[q.head%size] {
		q.settled[q.head%size] = false
		q.ack(q.packetIDs[q.head%size])
		q.head++
	}
}
