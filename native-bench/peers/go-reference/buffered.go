package main

import (
	"bufio"
	"net"
	"sync"
	"time"
)

const bufferBytes = 256 << 10

// bufferedConn reads and writes in large pieces. It is its own lock, which paho.golang takes for the length
// of a packet; what was written goes out after a moment, together with what came in it.
type bufferedConn struct {
	net.Conn
	sync.Mutex
	reader *bufio.Reader
	writer *bufio.Writer
	wake   chan struct{}
}

func dialBuffered(address string, flushDelay time.Duration) *bufferedConn {
	conn, err := net.Dial("tcp", address)
	check(err)
	c := &bufferedConn{
		Conn:   conn,
		reader: bufio.NewReaderSize(conn, bufferBytes),
		writer: bufio.NewWriterSize(conn, bufferBytes),
		wake:   make(chan struct{}, 1),
	}
	go c.flushLater(flushDelay)
	return c
}

func (c *bufferedConn) Read(bytes []byte) (int, error) { return c.reader.Read(bytes) }

// Write is called with the lock held.
func (c *bufferedConn) Write(bytes []byte) (int, error) {
	select {
	case c.wake <- struct{}{}:
	default:
	}
	return c.writer.Write(bytes)
}

func (c *bufferedConn) flushLater(delay time.Duration) {
	for range c.wake {
		time.Sleep(delay)
		c.Lock()
		// A broken connection is told by the reader, and by the next write.
		_ = c.writer.Flush()
		c.Unlock()
	}
}
