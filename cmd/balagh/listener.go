package main

import (
	"net"
	"sync"
)

// listener knows the connections on which nothing has come yet. Phones and browsers open such in advance; when the server stops,
// nobody would ever answer on them, and fasthttp would wait for them.
type listener struct {
	net.Listener
	mu    sync.Mutex
	mute  map[*conn]struct{}
	ended bool
}

type conn struct {
	net.Conn
	from *listener
	once sync.Once
}

func newListener(l net.Listener) *listener { return &listener{Listener: l, mute: map[*conn]struct{}{}} }

// Accept waits for the next connection.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	x := &conn{Conn: c, from: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		_ = c.Close()
		return x, nil
	}
	l.mute[x] = struct{}{}
	return x, nil
}

// Read notes that something came.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.once.Do(c.heard)
	return n, err
}

// Close forgets the connection.
func (c *conn) Close() error {
	c.once.Do(c.heard)
	return c.Conn.Close()
}

func (c *conn) heard() {
	c.from.mu.Lock()
	delete(c.from.mute, c)
	c.from.mu.Unlock()
}

// hangUp closes the connections on which nothing has come.
func (l *listener) hangUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	for c := range l.mute {
		_ = c.Conn.Close()
	}
}
