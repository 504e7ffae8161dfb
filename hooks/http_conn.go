package hooks

import (
	"net"
	"sync"
)

// askingConn is a connection on which nothing is read before something was
// written. A server may speak first, and net/http prints what it says to the
// process' log if it comes upon that before the request has gone out.
type askingConn struct {
	net.Conn
	asked chan struct{} // closed by the first Write, or by Close
	once  sync.Once
}

func newAskingConn(c net.Conn) *askingConn { return &askingConn{Conn: c, asked: make(chan struct{})} }

// Read implements [net.Conn].
func (c *askingConn) Read(b []byte) (int, error) {
	<-c.asked
	return c.Conn.Read(b)
}

// Write implements [net.Conn].
func (c *askingConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.ask()
	return n, err
}

// Close implements [net.Conn].
func (c *askingConn) Close() error {
	err := c.Conn.Close()
	c.ask()
	return err
}

func (c *askingConn) ask() { c.once.Do(func() { close(c.asked) }) }
